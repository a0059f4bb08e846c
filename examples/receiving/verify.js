const crypto = require('crypto');

// timingSafeEqual wants buffers of the same length, and throws at anything else.
function isEqual(expected, received) {
    const a = Buffer.from(expected);
    const b = Buffer.from(received);
    return a.length === b.length && crypto.timingSafeEqual(a, b);
}

function verifyWebhook(body, signature, secret) {
    const expected = crypto
        .createHmac('sha256', secret)
        .update(body)
        .digest('hex');

    return isEqual(expected, signature.replace('sha256=', ''));
}

// Standard Webhooks; the header names are in lower case, as Node gives them.
function verifyStandard(headers, body, secret, toleranceSeconds = 300) {
    const id = headers['webhook-id'];
    const timestamp = headers['webhook-timestamp'];
    const signatures = headers['webhook-signature'];
    if (!id || !signatures || !/^\d{1,15}$/.test(timestamp || '')) return false;
    if (Math.abs(Date.now() / 1000 - Number(timestamp)) > toleranceSeconds) return false;

    const key = secret.startsWith('whsec_')
        ? Buffer.from(secret.slice('whsec_'.length), 'base64')
        : Buffer.from(secret, 'utf8');
    const expected = 'v1,' + crypto
        .createHmac('sha256', key)
        .update(`${id}.${timestamp}.`)
        .update(body)
        .digest('base64');

    return signatures.split(' ').some((one) => isEqual(expected, one));
}

module.exports = { verifyWebhook, verifyStandard };

if (require.main === module) {
    const request = JSON.parse(require('fs').readFileSync(0, 'utf8'));
    const headers = {};
    for (const [name, value] of Object.entries(request.headers)) headers[name.toLowerCase()] = value;
    const body = Buffer.from(request.body_base64, 'base64');
    const checks = [];
    if ('webhook-signature' in headers) checks.push(verifyStandard(headers, body, request.secret));
    for (const name of ['x-signature', 'x-webhook-signature']) {
        if (name in headers) checks.push(verifyWebhook(body, headers[name], request.secret));
    }
    console.log(checks.length > 0 && checks.every(Boolean) ? 'ok' : 'not ok');
}
