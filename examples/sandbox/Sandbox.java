// The sandbox in a test, in Java 11 or newer. Copy this file, below a `package` line of yours.
// It needs nothing but the JDK and the command `retry-contract`, or another one that the variable
// RETRY_CONTRACT holds: a path, or "uv run --project FOLDER retry-contract".
import java.io.IOException;
import java.net.URI;
import java.net.http.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.TimeUnit;

public final class Sandbox implements AutoCloseable {
  private final HttpClient http = HttpClient.newHttpClient();
  private final Map<String, String> environment = new HashMap<>(System.getenv());
  private Process process; // null if somebody else started it

  /** Uses the sandbox that the environment names, as under `retry-contract sandbox --run`. */
  public static Sandbox fromEnvironment() {
    if (System.getenv("RETRY_CONTRACT_SANDBOX") != null) return new Sandbox();
    throw new IllegalStateException("RETRY_CONTRACT_SANDBOX is not set: see `sandbox --run`");
  }

  /** Starts one with these options of `retry-contract sandbox`, and waits until it is ready. */
  public static Sandbox start(String... options) throws Exception {
    var file = Path.of(System.getProperty("java.io.tmpdir"), UUID.randomUUID() + ".env");
    var program = System.getenv().getOrDefault("RETRY_CONTRACT", "retry-contract");
    var words = new ArrayList<>(List.of(program.split(" +")));
    // `sort` ends with its input, and the sandbox with it: however this process ends.
    words.addAll(List.of("sandbox", "--port", "0", "--run", "sort", "--env-file", "" + file));
    words.addAll(List.of(options));
    var builder = new ProcessBuilder(words).redirectOutput(ProcessBuilder.Redirect.DISCARD);
    var sandbox = new Sandbox();
    sandbox.process = builder.start();
    try {
      for (int waited = 0; !Files.exists(file); waited += 20) {
        if (waited > 30_000) throw new IOException("not ready after 30 s: " + words);
        if (!sandbox.process.waitFor(20, TimeUnit.MILLISECONDS)) continue;
        var said = new String(sandbox.process.getErrorStream().readAllBytes()).trim();
        throw new IOException(words + " ended before it was ready. " + said);
      }
      for (String line : Files.readAllLines(file))
        sandbox.environment.put(line.split("=")[0], line.split("=")[1]);
      return sandbox;
    } catch (Throwable error) { sandbox.close(); throw error; }
  }
  private String get(String name) { return environment.get("RETRY_CONTRACT_" + name); }
  public String endpoint() { return get("ENDPOINT"); }
  public String campaign() { return get("CAMPAIGN"); }
  public String key() { return environment.get("POSTMAN_API_KEY"); }
  public String message(String state) { // the one of its start: "failure", "attempts-spent" …
    var name = "MESSAGE_" + state.toUpperCase(Locale.ROOT).replaceAll("\\W", "_");
    return Objects.requireNonNull(get(name), "no message in the state " + state + ": no " + name);
  }
  public String make(String state) { // another one; returns its id
    return control("POST", "/messages", "{'state': '" + state + "'}").split("\"")[3];
  }
  public void contract(String name) { control("PUT", "/contract", "{'contract': '" + name + "'}"); }
  public void moveTo(String instant) { control("PUT", "/clock", "{'at': '" + instant + "'}"); }
  public void forward(double seconds) { control("PUT", "/clock", "{'forward': " + seconds + "}"); }
  public void faults(String... names) { // just these; none without a name
    var quoted = Arrays.toString(names).replaceAll("[^\\[\\], ]+", "'$0'");
    control("PUT", "/faults", "{'faults': " + quoted + "}");
  }
  public void reset() { control("POST", "/reset", ""); }
  public String requests() { return control("GET", "/requests", ""); }
  private String control(String method, String path, String wanted) {
    var body = HttpRequest.BodyPublishers.ofString(wanted.replace('\'', '"'));
    var request = HttpRequest.newBuilder(URI.create(get("SANDBOX") + path)).method(method, body);
    var response = http.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString()).join();
    if (response.statusCode() < 300) return response.body();
    throw new IllegalStateException(method + " " + path + ": " + response.body());
  }
  @Override public void close() throws IOException {
    if (process == null) return;
    process.getOutputStream().close();
    process.onExit().completeOnTimeout(process, 5, TimeUnit.SECONDS).join();
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }
}
