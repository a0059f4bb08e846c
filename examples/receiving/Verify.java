import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public final class Verify {
    /** Checks X-Signature or X-Webhook-Signature; MessageDigest.isEqual compares in constant time. */
    static boolean verifyWebhook(byte[] body, String signature, String secret) throws GeneralSecurityException {
        String expected = HexFormat.of().formatHex(hmac(secret.getBytes(UTF_8), body));
        String received = signature.replaceFirst("^sha256=", "");
        return MessageDigest.isEqual(expected.getBytes(UTF_8), received.getBytes(UTF_8));
    }

    /** Checks the Standard Webhooks headers; their names are in lower case. */
    static boolean verifyStandard(Map<String, String> headers, byte[] body, String secret, long toleranceSeconds)
            throws GeneralSecurityException {
        String id = headers.get("webhook-id");
        String timestamp = headers.get("webhook-timestamp");
        String signatures = headers.get("webhook-signature");
        if (id == null || signatures == null || timestamp == null || !timestamp.matches("[0-9]{1,15}")) return false;
        long age = System.currentTimeMillis() / 1000 - Long.parseLong(timestamp);
        if (Math.abs(age) > toleranceSeconds) return false;

        byte[] key;
        try {
            key = secret.startsWith("whsec_")
                    ? Base64.getDecoder().decode(secret.substring("whsec_".length()))
                    : secret.getBytes(UTF_8);
        } catch (IllegalArgumentException notBase64) {
            return false;
        }
        byte[] mac = hmac(key, (id + "." + timestamp + ".").getBytes(UTF_8), body);
        byte[] expected = ("v1," + Base64.getEncoder().encodeToString(mac)).getBytes(UTF_8);
        for (String one : signatures.split(" ")) {
            if (MessageDigest.isEqual(expected, one.getBytes(UTF_8))) return true;
        }
        return false;
    }

    private static byte[] hmac(byte[] key, byte[]... parts) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        for (byte[] part : parts) mac.update(part);
        return mac.doFinal();
    }

    /** Java has no parser of JSON: the arguments are the secret, the body in base64, and headers as name=value. */
    public static void main(String[] arguments) throws GeneralSecurityException {
        String secret = arguments[0];
        byte[] body = Base64.getDecoder().decode(arguments[1]);
        Map<String, String> headers = new HashMap<>();
        for (int i = 2; i < arguments.length; i++) {
            String[] header = arguments[i].split("=", 2);
            headers.put(header[0].toLowerCase(), header[1]);
        }
        List<Boolean> checks = new ArrayList<>();
        if (headers.containsKey("webhook-signature")) checks.add(verifyStandard(headers, body, secret, 300));
        for (String name : List.of("x-signature", "x-webhook-signature")) {
            if (headers.containsKey(name)) checks.add(verifyWebhook(body, headers.get(name), secret));
        }
        System.out.println(!checks.isEmpty() && !checks.contains(false) ? "ok" : "not ok");
    }
}
