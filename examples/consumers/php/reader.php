<?php
// A consumer in PHP 8.2 or newer:
//   retry-contract consumer --exec "php examples/consumers/php/reader.php"
// With "reader.php strict" it rejects unknown fields.
declare(strict_types=1);

final readonly class Response
{
    public function __construct(
        public string $createdAt,
        public string $updatedAt,
        public string $id,
        public string $recipient,
        public array $values,
        public string $fullMessage,
        public string $latestStatus,
        public string $templateBodyId,
        public string $campaignId,
    ) {
    }
}

$strict = ($argv[1] ?? '') === 'strict';
$parameters = (new ReflectionMethod(Response::class, '__construct'))->getParameters();
$known = array_flip(array_map(fn ($parameter) => $parameter->name, $parameters));

while (($line = fgets(STDIN)) !== false) {
    try {
        $response = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
        $read = new Response(...($strict ? $response : array_intersect_key($response, $known)));
        echo 'ok ', json_encode($read, JSON_THROW_ON_ERROR), "\n";
    } catch (Throwable $error) {
        echo 'error ', $error::class, ': ', preg_replace('/\s+/', ' ', $error->getMessage()), "\n";
    }
}
