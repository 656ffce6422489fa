// A consumer in Java 17 with Jackson, closed as Jackson is by default: JARS are the jars of
// jackson-databind, -core and -annotations, separated by ":" (on Windows, by ";").
//   javac -cp JARS -d classes examples/consumers/java/Reader.java
//   retry-contract consumer --exec "java -cp JARS:classes Reader"
// With "Reader spring" it ignores unknown fields, as Spring Boot sets it.
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.util.Map;

public class Reader {
  public enum Status {
    @JsonProperty("created") CREATED,
    @JsonProperty("enqueued") ENQUEUED,
    @JsonProperty("sending") SENDING,
    @JsonProperty("sent") SENT,
    @JsonProperty("sent_to_telco") SENT_TO_TELCO,
    @JsonProperty("success") SUCCESS,
    @JsonProperty("failure") FAILURE
  }

  public record Response(
      OffsetDateTime createdAt,
      OffsetDateTime updatedAt,
      String id,
      String recipient,
      Map<String, String> values,
      String fullMessage,
      Status latestStatus,
      String templateBodyId,
      String campaignId) {}

  // Stands in for the JavaTimeModule of jackson-datatype-jsr310, which a project registers instead
  // (Spring Boot does so by itself); that one also moves each time to UTC.
  private static SimpleModule times() {
    JsonDeserializer<OffsetDateTime> deserializer =
        new JsonDeserializer<>() {
          @Override
          public OffsetDateTime deserialize(JsonParser parser, DeserializationContext context)
              throws IOException {
            return OffsetDateTime.parse(parser.getText());
          }
        };
    return new SimpleModule()
        .addDeserializer(OffsetDateTime.class, deserializer)
        .addSerializer(OffsetDateTime.class, ToStringSerializer.instance);
  }

  public static void main(String[] arguments) throws IOException {
    JsonMapper.Builder builder = JsonMapper.builder().addModule(times());
    if (arguments.length > 0 && arguments[0].equals("spring")) {
      builder.disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
    }
    ObjectMapper mapper = builder.build();
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (String line; (line = in.readLine()) != null; ) {
      try {
        Response response = mapper.readValue(line, Response.class);
        out.println("ok " + mapper.writeValueAsString(response));
      } catch (Exception error) {
        String text = error.getClass().getSimpleName() + ": " + error.getMessage();
        out.println("error " + text.replaceAll("\\s+", " "));
      }
    }
  }
}
