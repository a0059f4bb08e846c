# frozen_string_literal: true

require 'base64'
require 'json'
require 'openssl'

# X-Signature or X-Webhook-Signature; secure_compare compares in constant time.
def verify_webhook(body, signature, secret)
  expected = OpenSSL::HMAC.hexdigest('SHA256', secret, body)
  OpenSSL.secure_compare(expected, signature.delete_prefix('sha256='))
end

# Standard Webhooks; the header names are in lower case.
def verify_standard(headers, body, secret, tolerance_seconds: 300)
  id, timestamp, signatures = headers.values_at('webhook-id', 'webhook-timestamp', 'webhook-signature')
  return false unless id && signatures && timestamp&.match?(/\A[0-9]{1,15}\z/)
  return false if (Time.now.to_i - timestamp.to_i).abs > tolerance_seconds

  key = secret.start_with?('whsec_') ? Base64.strict_decode64(secret.delete_prefix('whsec_')) : secret
  mac = OpenSSL::HMAC.digest('SHA256', key, "#{id}.#{timestamp}.".b + body.b)
  expected = "v1,#{Base64.strict_encode64(mac)}"
  signatures.split.any? { |one| OpenSSL.secure_compare(expected, one) }
rescue ArgumentError # the secret is no base64
  false
end

if $PROGRAM_NAME == __FILE__
  request = JSON.parse($stdin.read)
  headers = request['headers'].transform_keys(&:downcase)
  body = Base64.decode64(request['body_base64'])
  secret = request['secret']
  checks = []
  checks << verify_standard(headers, body, secret) if headers.key?('webhook-signature')
  %w[x-signature x-webhook-signature].each do |name|
    checks << verify_webhook(body, headers[name], secret) if headers.key?(name)
  end
  puts checks.any? && checks.all? ? 'ok' : 'not ok'
end
