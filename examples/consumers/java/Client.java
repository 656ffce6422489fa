// A client in Java 17:
//   retry-contract consumer --client-exec "java examples/consumers/java/Client.java"
// Compiled, it starts faster: javac -d classes examples/consumers/java/Client.java, then
// retry-contract consumer --client-exec "java -cp classes Client"
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Client {
  public static void main(String[] arguments) {
    try {
      System.out.println(retry(System.getenv()));
      System.exit(0);
    } catch (ExecutionException error) {
      fail(error.getCause());
    } catch (Exception error) {
      fail(error);
    }
  }

  private static String retry(Map<String, String> environment) throws Exception {
    String url =
        "%s/campaigns/%s/messages/%s/retry"
            .formatted(
                environment.get("RETRY_CONTRACT_ENDPOINT"),
                environment.get("RETRY_CONTRACT_CAMPAIGN"),
                environment.get("RETRY_CONTRACT_MESSAGES"));
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url))
            .header("Authorization", "Bearer " + environment.get("POSTMAN_API_KEY"))
            .POST(BodyPublishers.noBody())
            .build();
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    // HttpRequest.timeout ends with the headers; a body that stalls needs a deadline for the whole.
    HttpResponse<String> response =
        client.sendAsync(request, BodyHandlers.ofString()).get(3, TimeUnit.SECONDS);
    if (response.statusCode() != 201) {
      throw new Refused("status " + response.statusCode());
    }
    String body = response.body().strip();
    // One that says no length ends wherever the connection does.
    if (!body.endsWith("}")) {
      throw new Refused("the response is cut off");
    }
    return "{\"id\": \"%s\", \"latestStatus\": \"%s\"}"
        .formatted(field("id", body), field("latestStatus", body));
  }

  // Enough for two plain texts; a project reads the body with its JSON library.
  private static String field(String name, String body) throws Refused {
    Matcher matcher = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"\\\\]*)\"").matcher(body);
    if (!matcher.find()) {
      throw new Refused("no " + name + " in the response");
    }
    return matcher.group(1);
  }

  // The message of any other error may hold the header, and so the key.
  private static void fail(Throwable error) {
    String reason = error instanceof Refused ? ": " + error.getMessage() : "";
    System.err.println(error.getClass().getSimpleName() + reason);
    System.exit(1);
  }

  private static class Refused extends Exception {
    Refused(String reason) {
      super(reason);
    }
  }
}
