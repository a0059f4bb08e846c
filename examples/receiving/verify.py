import base64
import binascii
import hashlib
import hmac
import json
import sys
import time


def verify_webhook(request_body: bytes, signature: str, secret: str) -> bool:
    """Verify webhook signature"""
    expected = hmac.new(
        secret.encode('utf-8'),
        request_body,
        hashlib.sha256
    ).hexdigest()

    received = signature.replace('sha256=', '')
    return hmac.compare_digest(expected, received)


def verify_standard(headers: dict, request_body: bytes, secret: str, tolerance_seconds: int = 300) -> bool:
    """Verify a Standard Webhooks signature; the header names are in lower case"""
    try:
        webhook_id = headers['webhook-id']
        timestamp = headers['webhook-timestamp']
        if abs(time.time() - int(timestamp)) > tolerance_seconds:
            return False
        if secret.startswith('whsec_'):
            key = base64.b64decode(secret[len('whsec_'):], validate=True)
        else:
            key = secret.encode('utf-8')
        signed = f'{webhook_id}.{timestamp}.'.encode('utf-8') + request_body
        expected = 'v1,' + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode('ascii')
        offered = headers['webhook-signature'].split(' ')
        return any(hmac.compare_digest(expected.encode(), one.encode()) for one in offered)
    except (KeyError, ValueError, binascii.Error):
        return False


if __name__ == '__main__':
    request = json.load(sys.stdin)
    headers = {name.lower(): value for name, value in request['headers'].items()}
    body = base64.b64decode(request['body_base64'])
    checks = []
    if 'webhook-signature' in headers:
        checks.append(verify_standard(headers, body, request['secret']))
    for name in ('x-signature', 'x-webhook-signature'):
        if name in headers:
            checks.append(verify_webhook(body, headers[name], request['secret']))
    print('ok' if checks and all(checks) else 'not ok')
