// Standard input: the number of forms; for each two lines, a pattern and one that a string must
// not match; then strings, as hexadecimal UTF-8. Standard output: 1 for each string that keeps the
// form, else 0, form by form. The other programs of this folder do the same.
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;

public class Search {
    public static void main(String[] arguments) throws Exception {
        var input = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        List<String> lines = input.lines().toList();
        int forms = Integer.parseInt(lines.get(0));
        var found = new StringBuilder();
        for (int form = 0; form < forms; form++) {
            Pattern pattern = Pattern.compile(lines.get(1 + 2 * form));
            Pattern refused = Pattern.compile(lines.get(2 + 2 * form));
            for (String hex : lines.subList(1 + 2 * forms, lines.size())) {
                var text = new String(HexFormat.of().parseHex(hex), StandardCharsets.UTF_8);
                boolean kept = pattern.matcher(text).find() && !refused.matcher(text).find();
                found.append(kept ? '1' : '0');
            }
        }
        System.out.print(found);
    }
}
