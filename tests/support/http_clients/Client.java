// Plays a plan by the JDK's clients: `Client default|HTTP/1.1|URLConnection BASE`, see ../http_plan.py.

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

public final class Client {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final List<String> TOLD = List.of("allow", "content-type", "retry-after");

    private final InetSocketAddress proxy;
    private final HttpClient direct;
    private final HttpClient proxied;

    private Client(HttpClient.Version version, URI base) {
        proxy = new InetSocketAddress(base.getHost(), base.getPort());
        direct = client(version).proxy(HttpClient.Builder.NO_PROXY).build();
        proxied = client(version).proxy(ProxySelector.of(proxy)).build();
    }

    private static HttpClient.Builder client(HttpClient.Version version) {
        HttpClient.Builder builder = HttpClient.newBuilder().connectTimeout(PATIENCE);
        return version == null ? builder : builder.version(version);
    }

    private static final class Row {
        final String method;
        final URI url;
        final List<String[]> headers;
        final byte[] body;
        final List<String> ways;

        Row(String line) {
            String[] part = line.split("\t");
            method = part[0];
            url = URI.create(part[1]);
            headers = Stream.of(part[2].split("\\|")).filter(text -> !text.isEmpty())
                    .map(text -> text.split(": ", 2)).collect(Collectors.toList());
            body = part[3].equals("-") ? null : Base64.getDecoder().decode(part[3].substring(1));
            ways = Arrays.asList(part[4].split(" "));
        }
    }

    private String send(Row row) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(row.url).timeout(PATIENCE)
                .method(row.method, publisher(row)).expectContinue(row.ways.contains("expect"));
        row.headers.forEach(header -> request.header(header[0], header[1]));
        HttpResponse<byte[]> response = (row.ways.contains("proxy") ? proxied : direct)
                .send(request.build(), BodyHandlers.ofByteArray());
        return told(response.statusCode(), name -> response.headers().firstValue(name).orElse(null),
                response.body());
    }

    private static BodyPublisher publisher(Row row) {
        if (row.body == null) return BodyPublishers.noBody();
        return row.ways.contains("chunked")
                ? BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(row.body))
                : BodyPublishers.ofByteArray(row.body);
    }

    private String open(Row row) throws IOException {
        Proxy by = row.ways.contains("proxy") ? new Proxy(Proxy.Type.HTTP, proxy) : Proxy.NO_PROXY;
        HttpURLConnection connection = (HttpURLConnection) row.url.toURL().openConnection(by);
        connection.setRequestMethod(row.method);
        connection.setReadTimeout((int) PATIENCE.toMillis());
        row.headers.forEach(header -> connection.setRequestProperty(header[0], header[1]));
        if (row.body != null) write(row, connection);
        int status = connection.getResponseCode();
        try (InputStream read =
                status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
            byte[] body = read == null ? new byte[0] : read.readAllBytes();
            return told(status, connection::getHeaderField, body);
        }
    }

    private static void write(Row row, HttpURLConnection connection) throws IOException {
        connection.setDoOutput(true);
        if (row.ways.contains("chunked")) connection.setChunkedStreamingMode(1000);
        if (row.ways.contains("expect")) {
            connection.setFixedLengthStreamingMode(row.body.length);
            connection.setRequestProperty("Expect", "100-continue");
        }
        try (OutputStream stream = connection.getOutputStream()) {
            stream.write(row.body);
        }
    }

    private static String told(int status, Function<String, String> header, byte[] body) {
        String headers = TOLD.stream().filter(name -> header.apply(name) != null)
                .map(name -> name + ": " + header.apply(name)).collect(Collectors.joining("|"));
        return status + "\t" + headers + "\t" + Base64.getEncoder().encodeToString(body);
    }

    public static void main(String[] words) throws IOException {
        boolean opens = words[0].equals("URLConnection");
        HttpClient.Version version = words[0].equals("HTTP/1.1") ? HttpClient.Version.HTTP_1_1 : null;
        Client client = new Client(version, URI.create(words[1]));
        BufferedReader plan = new BufferedReader(new InputStreamReader(System.in));
        for (String line = plan.readLine(); line != null; line = plan.readLine()) {
            Row row = new Row(line);
            try {
                System.out.println(opens ? client.open(row) : client.send(row));
            } catch (IOException | InterruptedException error) {
                System.out.println("-\t" + error.toString().replaceAll("\\s", " ") + "\t");
            }
        }
        System.exit(0); // the client's threads would keep it for a while
    }
}
