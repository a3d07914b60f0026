import EventQueue
import Testing

/// A request that a scheme's sender has proven.
private struct Proven: Sendable {
    let scheme: Verifier.Scheme
    var secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    var id = "msg_1"
    var body = #"{"id":"evt_1","event_id":"Ev1","type":"ping"}"#
    var signedAt = received

    /// Every scheme that needs a secret.
    static let all = Verifier.Scheme.allCases.filter { $0 != .none }.map { Proven(scheme: $0) }
    /// Those that sign a time.
    static let timed = all.filter { [.standardWebhooks, .stripe, .slack].contains($0.scheme) }

    func headers() throws -> [(String, String)] {
        let secret = try #require(Secret(secret))
        return scheme.proof(of: Array(body.utf8), by: secret, id: id, at: signedAt).map { ($0.name, $0.value) }
    }

    /// The header that holds the signature itself.
    func signature() throws -> (String, String) {
        try #require(try headers().first { $0.0.lowercased().contains("signature") || $0.0 == "Authorization" })
    }

    /// The headers with another value for the signature.
    func headers(signature: String) throws -> [(String, String)] {
        let name = try self.signature().0
        return try headers().map { $0.0 == name ? (name, signature) : $0 }
    }

    func verify(
        _ headers: [(String, String)], body: String? = nil, secrets: [String]? = nil
    ) throws -> VerifiedRequest {
        let secrets = try (secrets ?? [secret]).map { try #require(Secret($0)) }
        return try Verifier(scheme: scheme, secrets: secrets)
            .verify(request(body ?? self.body, TestHeaders(list: headers)))
    }
}

extension Proven: CustomTestStringConvertible {
    var testDescription: String { scheme.rawValue }
}

struct SchemeTests {
    @Test(arguments: Proven.all)
    private func `what a scheme's sender proves is accepted, and the key recorded`(sent: Proven) throws {
        let verified = try sent.verify(sent.headers())
        #expect(verified.verdict.scheme == sent.scheme.rawValue)
        #expect(verified.verdict.keyID == Secret(sent.secret)?.keyID)
        #expect(text(verified.body) == sent.body)
    }

    @Test(arguments: Proven.all)
    private func `during a rotation the key that matched is recorded`(sent: Proven) throws {
        for secrets in [["whsec_AAAA", sent.secret], [sent.secret, "whsec_AAAA"]] {
            let verified = try sent.verify(sent.headers(), secrets: secrets)
            #expect(verified.verdict.keyID == Secret(sent.secret)?.keyID)
        }
    }

    /// Around a block's length, where a key is padded, taken as it is or hashed, and a body needs one more.
    @Test(arguments: [1, 32, 55, 56, 63, 64, 65, 200])
    func `the code is Crypto's HMAC, whatever the length of secret and body`(length: Int) throws {
        let secret = String(repeating: "s", count: length)
        for scheme in [Verifier.Scheme.hub, .linear, .stripe, .slack] {
            for bodyLength in [0, 1, 41, 55, 56, 63, 64, 65, 1000] {
                let sent = Proven(scheme: scheme, secret: secret, body: String(repeating: "b", count: bodyLength))
                #expect(try sent.verify(sent.headers()).verdict.keyID == Secret(secret)?.keyID)
            }
        }
    }

    @Test(arguments: [Verifier.Scheme.hub, .linear])
    func `every bit of a code counts, and its digits are in lower case`(scheme: Verifier.Scheme) throws {
        let sent = Proven(scheme: scheme)
        let value = try sent.signature().1
        let start = value.utf8.count - 64
        for place in start..<value.utf8.count {
            for flip in 0..<8 {
                var forged = Array(value.utf8)
                forged[place] ^= 1 << UInt8(flip)
                let headers = try sent.headers(signature: String(decoding: forged, as: UTF8.self))
                #expect(throws: VerificationError.invalidSignature) { try sent.verify(headers) }
            }
        }
    }

    @Test(arguments: Proven.all)
    private func `another secret is refused`(sent: Proven) throws {
        #expect(throws: VerificationError.invalidSignature) {
            try sent.verify(sent.headers(), secrets: ["whsec_AAAA"])
        }
    }

    @Test(arguments: Proven.all.filter { $0.scheme != .bearer })
    private func `any change of the body is refused`(sent: Proven) throws {
        var flipped = Array(sent.body.utf8)
        flipped[3] ^= 1
        for body in [sent.body + " ", " " + sent.body, String(sent.body.dropLast()), text(flipped), ""] {
            #expect(throws: VerificationError.invalidSignature) { try sent.verify(sent.headers(), body: body) }
        }
    }

    @Test(arguments: Proven.all)
    private func `a signature that is forged in any way is refused with the same answer`(sent: Proven) throws {
        let value = try sent.signature().1
        var forged = [value + "0", String(value.dropLast()), value + " ", value.uppercased(), "x" + value]
        // Any one of the last digits: base64 and hexadecimal both have them there.
        for place in value.indices.suffix(30) where value[place] != "=" {
            let replaced: Character = value[place] == "0" ? "1" : "0"
            forged.append(String(value[..<place]) + String(replaced) + String(value[value.index(after: place)...]))
        }
        for signature in forged where signature != value {
            // In a list an entry may be empty.
            if signature == value + " ", sent.scheme == .standardWebhooks { continue }
            // Another word before the secret is another kind of authorization, which is no proof at all.
            if signature == "x" + value, sent.scheme == .bearer { continue }
            let headers = try sent.headers(signature: signature)
            #expect(throws: VerificationError.invalidSignature, "\(signature)") { try sent.verify(headers) }
        }
    }

    @Test(arguments: Proven.all)
    private func `a forgery that looks like a signature costs what the right one costs`(sent: Proven) throws {
        var long = sent
        // So long that whatever answers before it has read the body is seen to; no JSON, in which an accepted
        // delivery's id is looked for.
        long.body = String(repeating: "x", count: 16 << 10)
        let value = try long.signature().1
        // Right in front of the end that base64 may pad, and right behind the name of the version or of the method.
        let places = [value.index(value.endIndex, offsetBy: -3), value.index(value.endIndex, offsetBy: -30)]
        var requests = [try long.headers()]
        for place in places {
            let other: Character = value[place] == "0" ? "1" : "0"
            let forged = String(value[..<place]) + String(other) + String(value[value.index(after: place)...])
            requests.append(try long.headers(signature: forged))
        }
        var stranger = long
        stranger.secret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        requests.append(try stranger.headers())
        // Twice is far more than noise leaves of the least of several tries, and far less than a body's length.
        func areAlike(_ costs: [UInt64]) -> Bool {
            costs.dropFirst().allSatisfy { $0 < costs[0] * 2 && costs[0] < $0 * 2 }
        }
        let costs = Costs.least(of: requests, until: areAlike) { headers in
            for _ in 0..<8 { _ = try? long.verify(headers) }
        }
        #expect(areAlike(costs), "\(costs) ns, the first of them genuine")
    }

    @Test(arguments: Proven.all)
    private func `no header makes a refusal dearer than an acceptance`(sent: Proven) throws {
        let value = try sent.signature().1
        // As long as all headers together may be.
        let bytesMax = Limits.Settings().headerBytesMax
        let fillers = [value, value + ",", value + " ", "v1,", "v1=,", ",", "=", " ", "t=1,"]
        var requests = [try sent.headers()]
        for filler in fillers {
            let filled = String(String(repeating: filler, count: bytesMax / filler.count + 1).prefix(bytesMax))
            requests.append(try sent.headers(signature: filled))
        }
        let costs = Costs.least(of: requests) { headers in _ = try? sent.verify(headers) }
        // The genuine header is short; reading 16 KiB of another one is worth 20 ms in a debug build, and a
        // product of secrets, signatures and lengths would be seconds.
        for cost in costs.dropFirst() { #expect(cost < costs[0] + 20_000_000, "\(costs) ns") }
    }

    @Test(arguments: Proven.all)
    private func `no signature is a missing one, and an empty one is none that is right`(sent: Proven) throws {
        let name = try sent.signature().0
        let without = try sent.headers().filter { $0.0 != name }
        #expect(throws: VerificationError.missingSignature) { try sent.verify(without) }
        #expect(throws: VerificationError.self) { try sent.verify(sent.headers(signature: "")) }
    }

    @Test(arguments: Proven.all)
    private func `two signatures are refused even if both are right`(sent: Proven) throws {
        let headers = try sent.headers() + [try sent.signature()]
        #expect(throws: VerificationError.invalidSignature) { try sent.verify(headers) }
    }

    @Test(arguments: Proven.all)
    private func `the signature of another scheme is not consulted`(sent: Proven) throws {
        for other in Proven.all where other.scheme != sent.scheme {
            // GitHub's scheme is the hub's, with a delivery id.
            if Set([other.scheme, sent.scheme]) == [.hub, .github] { continue }
            #expect(throws: VerificationError.missingSignature) { try sent.verify(other.headers()) }
        }
    }

    @Test(arguments: Proven.timed)
    private func `a signed time may be five minutes off, and no second more`(sent: Proven) throws {
        for seconds in [-300, 300] {
            var old = sent
            old.signedAt = received.advanced(by: .seconds(seconds))
            #expect(throws: Never.self) { try old.verify(old.headers()) }
        }
        for seconds in [-301, 301, -86_400, 86_400 * 365] {
            var old = sent
            old.signedAt = received.advanced(by: .seconds(seconds))
            #expect(throws: VerificationError.invalidSignature) { try old.verify(old.headers()) }
        }
    }

    @Test(
        arguments: Proven.timed, ["", "x", "-1", "+1736937000", " 1736937000", "1736937000.0", "0x67", "9999999999999"])
    private func `a time that is not one is refused`(sent: Proven, time: String) throws {
        let seconds = String(received.milliseconds / 1000)
        let headers = try sent.headers().map { ($0.0, $0.1.replacing(seconds, with: time)) }
        #expect(throws: VerificationError.invalidSignature) { try sent.verify(headers) }
    }

    @Test(arguments: Proven.timed)
    private func `a request that waited is judged by the time it was sent`(sent: Proven) throws {
        var old = sent
        old.signedAt = received.advanced(by: .seconds(-86_400))
        let secret = try #require(Secret(old.secret))
        let waited = EventQueue.Request(
            body: Array(old.body.utf8), headers: TestHeaders(list: try old.headers()), receivedAt: received,
            sentAt: old.signedAt)
        #expect(throws: Never.self) { try Verifier(scheme: old.scheme, secrets: [secret]).verify(waited) }
    }

    @Test(arguments: [
        (Verifier.Scheme.standardWebhooks, "msg_1"), (.github, "msg_1"), (.linear, "msg_1"), (.stripe, "evt_1"),
        (.slack, "Ev1"), (.hub, "mine"), (.bearer, "mine"),
    ])
    func `the scheme's own delivery id is the idempotency key, and wins over one beside it`(
        _ scheme: Verifier.Scheme, _ key: String
    ) throws {
        let sent = Proven(scheme: scheme)
        #expect(try sent.verify(sent.headers() + [("Idempotency-Key", "mine")]).idempotencyKey == key)
    }

    @Test(arguments: Proven.all)
    private func `only Stripe sends an event again in another body`(sent: Proven) throws {
        #expect(try sent.verify(sent.headers()).mayComeChanged == (sent.scheme == .stripe))
        var anonymous = sent
        anonymous.body = "{}"
        #expect(try !anonymous.verify(anonymous.headers()).mayComeChanged)
    }

    @Test(arguments: [Verifier.Scheme.hub, .github, .linear, .stripe, .slack])
    func `digits in upper case are no signature`(_ scheme: Verifier.Scheme) throws {
        let sent = Proven(scheme: scheme)
        let value = try sent.signature().1
        let digits = try #require(value.matches(of: #/[0-9a-f]{64}/#).first)
        let upper = value.replacing(digits.output, with: digits.output.uppercased())
        #expect(throws: VerificationError.invalidSignature) { try sent.verify(sent.headers(signature: upper)) }
    }

    @Test(arguments: [Verifier.Scheme.github, .linear, .stripe, .slack])
    func `without one the sender's idempotency key counts`(_ scheme: Verifier.Scheme) throws {
        var sent = Proven(scheme: scheme)
        sent.body = "{}"
        let headers = try sent.headers().filter { !$0.0.hasSuffix("Delivery") } + [("Idempotency-Key", "mine")]
        #expect(try sent.verify(headers).idempotencyKey == "mine")
    }

    @Test(arguments: Proven.all)
    private func `a proof does not print what it proves with`(sent: Proven) throws {
        let secret = try #require(Secret(sent.secret))
        let proof = sent.scheme.proof(of: Array(sent.body.utf8), by: secret, id: sent.id, at: sent.signedAt)
        var dumped = ""
        dump(proof, to: &dumped)
        for header in proof where header.value.count > 10 {
            #expect(!"\(proof)".contains(header.value))
            #expect(!dumped.contains(header.value))
        }
    }
}

/// Examples that the schemes' authors have published.
struct PublishedVectorTests {
    private func verify(
        _ scheme: Verifier.Scheme, _ secret: String, _ body: String, at seconds: Int64, _ headers: (String, String)...
    ) throws -> VerifiedRequest {
        try Verifier(scheme: scheme, secrets: [try #require(Secret(secret))]).verify(
            EventQueue.Request(
                body: Array(body.utf8), headers: TestHeaders(list: headers),
                receivedAt: Timestamp(milliseconds: seconds * 1000)))
    }

    @Test(
        arguments: ["webhook", "svix"],
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    func `the example of the Standard Webhooks libraries, under both of its names`(
        prefix: String, secret: String
    ) throws {
        func verify(at seconds: Int64, _ signature: String) throws -> VerifiedRequest {
            try self.verify(
                .standardWebhooks, secret, #"{"test": 2432232314}"#, at: seconds,
                ("\(prefix)-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"), ("\(prefix)-timestamp", "1614265330"),
                ("\(prefix)-signature", signature))
        }
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        #expect(try verify(at: 1_614_265_330, signature).idempotencyKey == "msg_p5jXN8AQM9LWM0D4loKWxJek")
        #expect(throws: Never.self) { try verify(at: 1_614_265_630, signature) }
        #expect(throws: VerificationError.invalidSignature) { try verify(at: 1_614_265_631, signature) }
        // One of a list is enough, and other versions are passed over.
        let list = "v1a,AAAA v1,AAAA v1,\(String(repeating: "A", count: 43))= \(signature)"
        #expect(throws: Never.self) { try verify(at: 1_614_265_330, list) }
        for forged in [
            "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            "V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE",
            "v1,g0hM9SsE-OTPJTGt_tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1 g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ] {
            #expect(throws: VerificationError.invalidSignature, "\(forged)") { try verify(at: 1_614_265_330, forged) }
        }
    }

    @Test func `an id with a dot cannot move the border between id, time and body`() throws {
        // What was signed is the id, the time, and a body that begins like a time; a forger cuts it elsewhere.
        let sent = Proven(scheme: .standardWebhooks, id: "msg", body: "1736937000.{}")
        let seconds = String(received.milliseconds / 1000)
        let headers = try sent.headers().map { $0.0 == "webhook-id" ? ($0.0, "msg.\(seconds)") : $0 }
        #expect(throws: Never.self) { try sent.verify(sent.headers()) }
        #expect(throws: VerificationError.invalidSignature) { try sent.verify(headers, body: "{}") }
    }

    @Test func `the example of Slack's documentation`() throws {
        let body =
            "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
            + "&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
            + "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRsk"
            + "XaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
        func verify(at seconds: Int64) throws -> VerifiedRequest {
            try self.verify(
                .slack, "8f742231b10e8888abcd99yyyzzz85a5", body, at: seconds,
                ("X-Slack-Request-Timestamp", "1531420618"),
                ("X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"))
        }
        #expect(throws: Never.self) { try verify(at: 1_531_420_618) }
        #expect(throws: VerificationError.invalidSignature) { try verify(at: 1_531_420_919) }
    }

    @Test func `GitHub's example, with a delivery id`() throws {
        let verified = try verify(
            .github, "It's a Secret to Everybody", "Hello, World!", at: 0,
            ("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
            ("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"))
        #expect(verified.idempotencyKey == "72d3162e-cc78-11e3-81ab-4c9367dc0958")
    }

    @Test(arguments: [
        "t=1,t=1,v1=00", "v1=00", "t=1736937000", "t=1736937000,v1", "t=1736937000,v1=00", "t=1736937000,v0=00",
    ])
    func `a malformed Stripe header is refused`(_ value: String) throws {
        let sent = Proven(scheme: .stripe)
        #expect(throws: VerificationError.invalidSignature) { try sent.verify([("Stripe-Signature", value)]) }
    }

    @Test func `one of two signatures in a Stripe header is enough`() throws {
        let sent = Proven(scheme: .stripe)
        let value = try sent.signature().1 + ",v1=" + String(repeating: "0", count: 64) + ",v0=abc"
        #expect(throws: Never.self) { try sent.verify([("Stripe-Signature", value)]) }
    }
}
