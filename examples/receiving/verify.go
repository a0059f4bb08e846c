package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

func macOf(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// VerifyWebhook checks X-Signature or X-Webhook-Signature; hmac.Equal compares in constant time.
func VerifyWebhook(body []byte, signature, secret string) bool {
	received, err := hex.DecodeString(strings.TrimPrefix(signature, "sha256="))
	return err == nil && hmac.Equal(received, macOf([]byte(secret), body))
}

// VerifyStandard checks the Standard Webhooks headers; get finds a header whatever its case, as http.Header.Get does.
func VerifyStandard(get func(string) string, body []byte, secret string, tolerance time.Duration) bool {
	id, timestamp := get("webhook-id"), get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || id == "" || time.Since(time.Unix(seconds, 0)).Abs() > tolerance {
		return false
	}
	key := []byte(secret)
	if strings.HasPrefix(secret, "whsec_") {
		if key, err = base64.StdEncoding.DecodeString(secret[len("whsec_"):]); err != nil {
			return false
		}
	}
	expected := macOf(key, []byte(id+"."+timestamp+"."), body)
	for _, one := range strings.Split(get("webhook-signature"), " ") {
		received, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(one, "v1,"))
		if err == nil && hmac.Equal(received, expected) {
			return true
		}
	}
	return false
}

func main() {
	var request struct {
		Headers map[string]string
		Body    []byte `json:"body_base64"`
		Secret  string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&request); err != nil {
		panic(err)
	}
	get := func(name string) string { return request.Headers[name] }
	checks, good := 0, 0
	count := func(isGood bool) {
		checks++
		if isGood {
			good++
		}
	}
	if get("webhook-signature") != "" {
		count(VerifyStandard(get, request.Body, request.Secret, 5*time.Minute))
	}
	for _, name := range []string{"x-signature", "x-webhook-signature"} {
		if get(name) != "" {
			count(VerifyWebhook(request.Body, get(name), request.Secret))
		}
	}
	if checks > 0 && good == checks {
		fmt.Println("ok")
	} else {
		fmt.Println("not ok")
	}
}
