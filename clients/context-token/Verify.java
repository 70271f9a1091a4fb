// Checks a context token of Wicketgate with the JDK's own java.security, and Gson for its JSON.
//
// Usage: java -cp gson.jar Verify.java VECTORS   tells of each token in a file of test vectors whether it is good
//
// With a JOSE library it is shorter; the five things to tell it are those that are compared here: algorithms, type,
// issuer, audience, and that there is an end.

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;

public final class Verify {
    private static final String TYPE = "wicket-context+jwt";
    private static final long LEEWAY_SECONDS = 30;

    // SubjectPublicKeyInfo up to the key itself (RFC 8410 section 4, RFC 5480 section 2).
    private static final byte[] ED25519 = HexFormat.of().parseHex("302a300506032b6570032100");
    private static final byte[] P256 =
            HexFormat.of().parseHex("3059301306072a8648ce3d020106082a8648ce3d03010703420004");

    /** The claims of a good token. Any other token is a GeneralSecurityException: answer 401. */
    public static JsonObject verify(String token, JsonArray keys, String issuer, String audience, long now)
            throws GeneralSecurityException {
        try {
            String[] parts = token.split("\\.", -1);
            require(parts.length == 3, "three parts");
            JsonObject header = object(parts[0]);
            require(TYPE.equals(text(header, "typ")), "type");
            require(!header.has("crit"), "no extensions");
            JsonObject key = named(keys, text(header, "kid"));
            // The key says by which algorithm, and the token has to agree.
            String algorithm = text(key, "alg");
            require(algorithm.equals(text(header, "alg")), "algorithm");
            byte[] signed = (parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII);
            require(isSigned(signed, bytes(parts[2]), algorithm, key), "signature");
            JsonObject claims = object(parts[1]);
            require(issuer.equals(text(claims, "iss")), "issuer");
            require(audience.equals(text(claims, "aud")), "audience");
            require(!text(claims, "sub").isEmpty(), "subject");
            require(claims.has("exp"), "end");
            require(now < claims.get("exp").getAsLong() + LEEWAY_SECONDS, "not expired");
            return claims;
        } catch (IllegalArgumentException | IllegalStateException | JsonParseException malformed) {
            throw new GeneralSecurityException("malformed", malformed);
        }
    }

    private static boolean isSigned(byte[] signed, byte[] signature, String algorithm, JsonObject key)
            throws GeneralSecurityException {
        Signature verifier;
        PublicKey publicKey;
        switch (algorithm) {
            case "EdDSA":
                verifier = Signature.getInstance("Ed25519");
                publicKey = publicKey("Ed25519", ED25519, bytes(text(key, "x")), new byte[0]);
                break;
            case "ES256":
                verifier = Signature.getInstance("SHA256withECDSAinP1363Format");
                publicKey = publicKey("EC", P256, bytes(text(key, "x")), bytes(text(key, "y")));
                break;
            default:
                throw new GeneralSecurityException("algorithm");
        }
        verifier.initVerify(publicKey);
        verifier.update(signed);
        return verifier.verify(signature);
    }

    private static PublicKey publicKey(String kind, byte[] prefix, byte[] x, byte[] y) throws GeneralSecurityException {
        byte[] encoded = ByteBuffer.allocate(prefix.length + x.length + y.length).put(prefix).put(x).put(y).array();
        return KeyFactory.getInstance(kind).generatePublic(new X509EncodedKeySpec(encoded));
    }

    private static JsonObject named(JsonArray keys, String kid) throws GeneralSecurityException {
        for (JsonElement key : keys) {
            if (kid.equals(text(key.getAsJsonObject(), "kid"))) {
                return key.getAsJsonObject();
            }
        }
        throw new GeneralSecurityException("unknown key");
    }

    /** The member where it is a string, else nothing. */
    private static String text(JsonObject object, String member) {
        JsonElement value = object.get(member);
        boolean isText = value instanceof JsonPrimitive && ((JsonPrimitive) value).isString();
        return isText ? value.getAsString() : "";
    }

    private static JsonObject object(String part) {
        return JsonParser.parseString(new String(bytes(part), StandardCharsets.UTF_8)).getAsJsonObject();
    }

    private static byte[] bytes(String part) {
        return Base64.getUrlDecoder().decode(part);
    }

    private static void require(boolean holds, String what) throws GeneralSecurityException {
        if (!holds) {
            throw new GeneralSecurityException(what);
        }
    }

    public static void main(String[] arguments) throws Exception {
        JsonObject vectors = JsonParser.parseString(Files.readString(Path.of(arguments[0]))).getAsJsonObject();
        JsonArray keys = vectors.getAsJsonObject("jwks").getAsJsonArray("keys");
        for (JsonElement each : vectors.getAsJsonArray("cases")) {
            JsonObject vector = each.getAsJsonObject();
            boolean good = true;
            try {
                verify(text(vector, "token"), keys, text(vectors, "issuer"), text(vectors, "audience"),
                        vectors.get("now").getAsLong());
            } catch (GeneralSecurityException refused) {
                good = false;
            }
            JsonArray line = new JsonArray();
            line.add(vector.get("name"));
            line.add(good);
            System.out.println(line);
        }
    }
}
