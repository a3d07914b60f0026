import EventQueue
import Testing

struct RequestHeadersTests {
    private func verified(_ headers: TestHeaders) throws -> VerifiedRequest {
        try Verifier(scheme: .none, secrets: []).verify(request("{}", headers))
    }

    @Test func `the idempotency key is the sender's, whatever the scheme`() throws {
        #expect(try verified(TestHeaders(("Idempotency-Key", "d-1"))).idempotencyKey == "d-1")
        #expect(try verified(TestHeaders()).idempotencyKey == nil)
        #expect(try verified(TestHeaders(("Idempotency-Key", ""))).idempotencyKey == nil)
        let two = TestHeaders(("Idempotency-Key", "a"), ("idempotency-key", "b"))
        #expect(try verified(two).idempotencyKey == "a, b")
    }

    @Test func `a key too long for an index becomes its hash`() throws {
        let longest = String(repeating: "k", count: Limits.idempotencyKeyLengthMax)
        #expect(try verified(TestHeaders(("Idempotency-Key", longest))).idempotencyKey == longest)
        let hashed = try #require(
            try verified(TestHeaders(("Idempotency-Key", longest + "k"))).idempotencyKey)
        #expect(hashed == "sha256:\(Fingerprint(of: Array((longest + "k").utf8)))")
        #expect(try verified(TestHeaders(("Idempotency-Key", longest + "l"))).idempotencyKey != hashed)
    }

    @Test func `the headers needed to verify again are kept, credentials never`() throws {
        let headers = TestHeaders(
            ("Authorization", "Bearer t"), ("Cookie", "c"), ("X-Other", "o"),
            ("Content-Type", "application/json"),
            ("X-Signature", "a"), ("x-signature", "b"), ("User-Agent", "say \"hi\""))
        #expect(
            try verified(headers).headersJSON
                == #"{"content-type":"application/json","user-agent":"say \"hi\"","x-signature":["a","b"]}"#)
        #expect(try verified(TestHeaders(("Authorization", "Bearer t"))).headersJSON == "{}")
    }

    @Test func `a name that is there is seen from afar, whatever its case`() {
        let names = ["x-hub-signature-256", "ce-id", "idempotency-key", "svix-id", "a", ""]
        for name in names {
            var given = HeaderNames.none
            #expect(!given.mayHave(HeaderNames(name)))
            given.insert(HeaderNames(name.uppercased()))
            #expect(given.mayHave(HeaderNames(name)))
            #expect(HeaderNames.all.mayHave(HeaderNames(name)))
        }
    }
}
