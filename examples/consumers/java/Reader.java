// A consumer in Java with Jackson: as it is by default, or with "spring", as Spring Boot sets it.
// With the jars of jackson-databind, -core and -annotations as JARS: javac -cp JARS Reader.java,
// then retry-contract consumer --exec "java -cp JARS:. Reader" (on Windows, JARS;.).
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;

public class Reader {
  public static class Reply {
    public String createdAt;
    public String updatedAt;
    public String id;
    public String recipient;
    public Map<String, String> values;
    public String fullMessage;
    public String latestStatus;
    public String templateBodyId;
    public String campaignId;
  }

  public static void main(String[] arguments) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    if (arguments.length > 0 && arguments[0].equals("spring")) {
      mapper.configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);
    }
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = in.readLine()) != null; ) {
      try {
        Reply reply = mapper.readValue(line, Reply.class);
        System.out.println("ok {\"id\": " + mapper.writeValueAsString(reply.id) + "}");
      } catch (Exception error) {
        String text = error.getClass().getSimpleName() + ": " + error.getMessage();
        System.out.println("error " + text.replaceAll("\\s+", " "));
      }
    }
  }
}
