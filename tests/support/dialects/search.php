<?php
$lines = explode("\n", preg_replace('/\n\z/', '', stream_get_contents(STDIN)));
$forms = (int) $lines[0];
for ($form = 0; $form < $forms; $form++) {
    [$pattern, $refused] = [$lines[1 + 2 * $form], $lines[2 + 2 * $form]];
    foreach (array_slice($lines, 1 + 2 * $forms) as $line) {
        $text = hex2bin($line);
        echo preg_match("/$pattern/u", $text) && !preg_match("/$refused/u", $text) ? '1' : '0';
    }
}
