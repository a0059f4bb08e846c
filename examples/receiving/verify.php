<?php

// X-Signature or X-Webhook-Signature; hash_equals compares in constant time.
function verify_webhook(string $body, string $signature, string $secret): bool
{
    $received = preg_replace('/^sha256=/', '', $signature);
    return hash_equals(hash_hmac('sha256', $body, $secret), $received);
}

// Standard Webhooks; the header names are in lower case. The body is file_get_contents('php://input').
function verify_standard(array $headers, string $body, string $secret, int $tolerance_seconds = 300): bool
{
    $id = $headers['webhook-id'] ?? '';
    $timestamp = $headers['webhook-timestamp'] ?? '';
    if ($id === '' || !preg_match('/\A[0-9]{1,15}\z/', $timestamp) || abs(time() - (int) $timestamp) > $tolerance_seconds) {
        return false;
    }
    $key = str_starts_with($secret, 'whsec_') ? base64_decode(substr($secret, strlen('whsec_')), true) : $secret;
    if ($key === false) {
        return false;
    }
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    foreach (explode(' ', $headers['webhook-signature'] ?? '') as $one) {
        if (hash_equals($expected, $one)) {
            return true;
        }
    }
    return false;
}

if (PHP_SAPI === 'cli') {
    $request = json_decode(stream_get_contents(STDIN), true, 512, JSON_THROW_ON_ERROR);
    $headers = array_change_key_case($request['headers']);
    $body = base64_decode($request['body_base64']);
    $checks = [];
    if (isset($headers['webhook-signature'])) {
        $checks[] = verify_standard($headers, $body, $request['secret']);
    }
    foreach (['x-signature', 'x-webhook-signature'] as $name) {
        if (isset($headers[$name])) {
            $checks[] = verify_webhook($body, $headers[$name], $request['secret']);
        }
    }
    echo $checks !== [] && !in_array(false, $checks, true) ? "ok\n" : "not ok\n";
}
