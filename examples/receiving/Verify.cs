using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

public static class Verify
{
    /// <summary>X-Signature or X-Webhook-Signature; FixedTimeEquals compares in constant time.</summary>
    public static bool Webhook(byte[] body, string signature, string secret)
    {
        var expected = Convert.ToHexString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body)).ToLowerInvariant();
        var received = signature.StartsWith("sha256=", StringComparison.Ordinal) ? signature[7..] : signature;
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(expected), Encoding.UTF8.GetBytes(received));
    }

    /// <summary>Standard Webhooks; the header names are in lower case.</summary>
    public static bool Standard(IReadOnlyDictionary<string, string> headers, byte[] body, string secret, long toleranceSeconds = 300)
    {
        if (!headers.TryGetValue("webhook-id", out var id) || !headers.TryGetValue("webhook-timestamp", out var timestamp)
            || !headers.TryGetValue("webhook-signature", out var signatures) || !long.TryParse(timestamp, out var seconds)
            || Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - seconds) > toleranceSeconds)
        {
            return false;
        }
        byte[] key;
        try
        {
            key = secret.StartsWith("whsec_", StringComparison.Ordinal)
                ? Convert.FromBase64String(secret["whsec_".Length..])
                : Encoding.UTF8.GetBytes(secret);
        }
        catch (FormatException)
        {
            return false;
        }
        var signed = Encoding.UTF8.GetBytes($"{id}.{timestamp}.").Concat(body).ToArray();
        var expected = Encoding.UTF8.GetBytes("v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed)));
        return signatures.Split(' ').Any(one => CryptographicOperations.FixedTimeEquals(expected, Encoding.UTF8.GetBytes(one)));
    }

    public static void Main()
    {
        var request = JsonDocument.Parse(Console.In.ReadToEnd()).RootElement;
        var headers = request.GetProperty("headers").EnumerateObject()
            .ToDictionary(header => header.Name.ToLowerInvariant(), header => header.Value.GetString()!);
        var body = request.GetProperty("body_base64").GetBytesFromBase64();
        var secret = request.GetProperty("secret").GetString()!;
        var checks = new List<bool>();
        if (headers.ContainsKey("webhook-signature")) checks.Add(Standard(headers, body, secret));
        foreach (var name in new[] { "x-signature", "x-webhook-signature" })
        {
            if (headers.TryGetValue(name, out var signature)) checks.Add(Webhook(body, signature, secret));
        }
        Console.WriteLine(checks.Count > 0 && checks.All(isGood => isGood) ? "ok" : "not ok");
    }
}
