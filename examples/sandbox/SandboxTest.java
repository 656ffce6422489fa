// A test of a team's retry client against the sandbox, in both contracts:
//   javac -d classes *.java && java -ea -cp classes SandboxTest
// With JUnit 5 each method that takes a sandbox is a @Test, a field holds the sandbox, @BeforeAll
// starts it, and @AfterAll closes it.
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class SandboxTest {
  public static void main(String[] arguments) throws Exception {
    // A retried message fails again after that time, and the tests look at it before.
    try (Sandbox sandbox = Sandbox.start("--fail-after", "60")) {
      for (String contract : List.of("before", "after")) {
        sandbox.reset();
        sandbox.contract(contract);
        acceptedRetry(sandbox, contract);
        refusal(sandbox, contract);
        lostResponse(sandbox, contract, "connection-reset");
        lostResponse(sandbox, contract, "no-response");
      }
      cutover(sandbox);
    }
    for (String contract : List.of("before", "after")) {
      try (Sandbox sandbox = Sandbox.start("--rate", "1", "--contract", contract)) {
        tooManyRequests(sandbox, contract);
      }
    }
  }

  static void acceptedRetry(Sandbox sandbox, String contract) throws Exception {
    String message = sandbox.make("failure");
    String response = clientOf(sandbox).retry(message);
    check(message.equals(field("id", response)), "the message keeps its id");
    check("created".equals(field("latestStatus", response)), "its status is created");
    check((field("creatorId", response) != null) == contract.equals("after"), "creatorId");
    System.out.println("ok  an accepted retry, " + contract);
  }

  static void refusal(Sandbox sandbox, String contract) throws Exception {
    try {
      clientOf(sandbox).retry(sandbox.message("success"));
      check(false, "a delivered message is not retried");
    } catch (Refused refused) {
      String code = "message_not_found_or_retry_message_not_in_failure_status";
      check(refused.status == 400 && code.equals(refused.code), refused.getMessage());
    }
    System.out.println("ok  a refusal, " + contract);
  }

  static void lostResponse(Sandbox sandbox, String contract, String fault) throws Exception {
    RetryClient client = clientOf(sandbox);
    client.patience = Duration.ofSeconds(1);
    String message = sandbox.make("failure");
    sandbox.faults(fault);
    String accepted = client.retry(message);
    sandbox.faults();
    check(!"failure".equals(field("latestStatus", accepted)), "Retrieve says it was accepted");
    int retries = sandbox.requests().split(message + "/retry", -1).length - 1;
    check(retries == 1, "it was asked for once, not " + retries + " times");
    System.out.println("ok  a lost response (" + fault + "), " + contract);
  }

  static void cutover(Sandbox sandbox) throws Exception {
    RetryClient client = clientOf(sandbox);
    sandbox.contract("auto"); // the one in force by its clock
    sandbox.moveTo("2025-02-23T23:59:00+08:00");
    check(field("creatorId", client.retry(sandbox.make("failure"))) == null, "not before");
    sandbox.forward(60);
    check(field("creatorId", client.retry(sandbox.make("failure"))) != null, "from that day on");
    System.out.println("ok  the cutover while the client runs");
  }

  static void tooManyRequests(Sandbox sandbox, String contract) throws Exception {
    List<Integer> pauses = new ArrayList<>();
    RetryClient client = clientOf(sandbox);
    client.pause = seconds -> { // instead of waiting, the sandbox's clock moves
      pauses.add(seconds);
      sandbox.forward(seconds);
    };
    for (int number = 0; number < 5; number++) {
      String response = client.retry(sandbox.make("failure"));
      check("created".equals(field("latestStatus", response)), "accepted in the end");
    }
    check(!pauses.isEmpty(), "it met a 429");
    System.out.println("ok  429, and success after a pause, " + contract);
  }

  static RetryClient clientOf(Sandbox sandbox) {
    return new RetryClient(sandbox.endpoint(), sandbox.campaign(), sandbox.key());
  }

  static void check(boolean kept, String what) {
    if (!kept) throw new AssertionError(what);
  }

  // Enough for a plain text; a project reads the body with its JSON library.
  static String field(String name, String body) {
    Matcher matcher = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"\\\\]*)\"").matcher(body);
    return matcher.find() ? matcher.group(1) : null;
  }

  static class Refused extends Exception {
    final int status;
    final String code;

    Refused(int status, String code) {
      super("refused with " + status + " " + code);
      this.status = status;
      this.code = code;
    }
  }

  /** Stands in for the client that you test. */
  static class RetryClient {
    final HttpClient http = HttpClient.newHttpClient();
    final String url;
    final String key;
    Duration patience = Duration.ofSeconds(10);
    IntConsumer pause = RetryClient::sleep;

    RetryClient(String endpoint, String campaign, String key) {
      this.url = endpoint + "/campaigns/" + campaign + "/messages/";
      this.key = key;
    }

    /** Retries a message; returns what the service says of it. */
    String retry(String message) throws Exception {
      for (int wait = 1; wait <= 8; wait *= 2) {
        HttpResponse<String> response;
        try {
          response = send("POST", message + "/retry", patience);
        } catch (IOException lost) {
          return settle(message, lost);
        }
        if (response.statusCode() == 201) return response.body();
        if (response.statusCode() != 429) {
          throw new Refused(response.statusCode(), field("code", response.body()));
        }
        String said = response.headers().firstValue("Retry-After").orElse("" + wait);
        pause.accept(Integer.parseInt(said));
      }
      throw new Refused(429, "too_many_requests");
    }

    /** A retry sends an SMS: whether a lost one was accepted is asked, and it is not sent again. */
    private String settle(String message, IOException lost) throws Exception {
      HttpResponse<String> found = send("GET", message, Duration.ofSeconds(10));
      if ("failure".equals(field("latestStatus", found.body()))) throw lost;
      return found.body();
    }

    private HttpResponse<String> send(String method, String path, Duration limit) throws Exception {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(url + path))
              .timeout(limit)
              .header("Authorization", "Bearer " + key)
              .method(method, BodyPublishers.noBody())
              .build();
      return http.send(request, BodyHandlers.ofString());
    }

    private static void sleep(int seconds) {
      try {
        Thread.sleep(seconds * 1000L);
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
