import EventQueue
import Testing

/// Published examples of the hub scheme.
private struct HubVector: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let secret: String
    let body: String
    let header: String
    let signature: String

    static let gitHub = HubVector(
        testDescription: "GitHub's documentation", secret: "It's a Secret to Everybody",
        body: "Hello, World!",
        header: "X-Hub-Signature-256",
        signature: "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")
    static let computed = HubVector(
        testDescription: "computed", secret: "s3cret",
        body: #"""
            {"session_id":"sess-abc123","working_directory":"/home/user/my-project",\#
            "duration_seconds":120,"exit_status":0,"summary":"Implemented auth module and added tests"}
            """#,
        header: "X-Signature",
        signature: "sha256=1048ece42c09d27078fbbd4609a777ac3f97e17f98de98b128573f943160b2e8")
    static let emptyBody = HubVector(
        testDescription: "empty body", secret: "s3cret", body: "", header: "X-Hub-Signature-256",
        signature: "sha256=91dfac70c5348b04e1babb8b421ac92cec08b565b49ca16130dccb72503647b7")
}

struct VerifierTests {
    private let genuine = HubVector.computed

    private func verifier(_ secrets: String...) throws -> Verifier {
        Verifier(scheme: .hub, secrets: try secrets.map { try #require(Secret($0)) })
    }

    @Test(arguments: [HubVector.gitHub, .computed, .emptyBody])
    private func `a published signature is accepted and its key recorded`(vector: HubVector) throws {
        let verified = try verifier(vector.secret)
            .verify(request(vector.body, TestHeaders((vector.header, vector.signature))))
        #expect(text(verified.body) == vector.body)
        #expect(verified.receivedAt == received)
        #expect(verified.verdict.scheme == "hub")
        #expect(verified.verdict.keyID == Secret(vector.secret)?.keyID)
    }

    @Test func `X-Hub-Signature-256 is the one that counts when both are there`() throws {
        let good = genuine.signature
        let bad = "sha256=" + String(repeating: "0", count: 64)
        let verifier = try verifier(genuine.secret)
        #expect(throws: Never.self) {
            try verifier.verify(
                request(genuine.body, TestHeaders(("X-Signature", bad), ("X-Hub-Signature-256", good))))
        }
        #expect(throws: VerificationError.invalidSignature) {
            try verifier.verify(
                request(genuine.body, TestHeaders(("X-Signature", good), ("X-Hub-Signature-256", bad))))
        }
    }

    @Test func `any single flipped bit of the signature is refused`() throws {
        let verifier = try verifier(genuine.secret)
        let digits = Array(genuine.signature.dropFirst(7))
        for place in 0..<64 {
            for bit in 0..<4 {
                var forged = digits
                let value = try #require(forged[place].hexDigitValue) ^ (1 << bit)
                forged[place] = Character(String(value, radix: 16))
                let header = TestHeaders(("X-Signature", "sha256=" + String(forged)))
                #expect(throws: VerificationError.invalidSignature) {
                    try verifier.verify(request(genuine.body, header))
                }
            }
        }
    }

    @Test func `any change of the body is refused`() throws {
        let verifier = try verifier(genuine.secret)
        let header = TestHeaders(("X-Signature", genuine.signature))
        var flipped = Array(genuine.body.utf8)
        flipped[flipped.count / 2] ^= 1
        for body in [
            genuine.body + " ", " " + genuine.body, String(genuine.body.dropLast()), text(flipped), "",
        ] {
            #expect(throws: VerificationError.invalidSignature) { try verifier.verify(request(body, header)) }
        }
    }

    @Test(arguments: [
        "", "sha256=", "1048ece42c09d27078fbbd4609a777ac3f97e17f98de98b128573f943160b2e8",
        "SHA256=1048ece42c09d27078fbbd4609a777ac3f97e17f98de98b128573f943160b2e8",
        "sha1=1048ece42c09d27078fbbd4609a777ac3f97e17f98de98b128573f943160b2e8",
        "sha256:1048ece42c09d27078fbbd4609a777ac3f97e17f98de98b128573f943160b2e8",
        "sha256=1048ece42c09d27078fbbd4609a777ac3f97e17f98de98b128573f943160b2e",
        "sha256=1048ece42c09d27078fbbd4609a777ac3f97e17f98de98b128573f943160b2e8a",
        "sha256=1048ece42c09d27078fbbd4609a777ac3f97e17f98de98b128573f943160b2e8ab",
        " sha256=1048ece42c09d27078fbbd4609a777ac3f97e17f98de98b128573f943160b2e8",
        "sha256=1048ece42c09d27078fbbd4609a777ac3f97e17f98de98b128573f943160b2e8 ",
        "sha256= 1048ece42c09d27078fbbd4609a777ac3f97e17f98de98b128573f943160b2e",
        "sha256=g048ece42c09d27078fbbd4609a777ac3f97e17f98de98b128573f943160b2e8",
        "sha256=é48ece42c09d27078fbbd4609a777ac3f97e17f98de98b128573f943160b2e8",
        "sha256=1048ece42c09d27078fbbd4609a777ac3f97e17f98de98b128573f943160b2e8, sha256=00",
    ])
    func `a malformed signature is refused`(signature: String) throws {
        let verifier = try verifier(genuine.secret)
        for name in ["X-Hub-Signature-256", "X-Signature"] {
            #expect(throws: VerificationError.invalidSignature) {
                try verifier.verify(request(genuine.body, TestHeaders((name, signature))))
            }
        }
    }

    @Test func `a repeated signature is refused even when both are right`() throws {
        let headers = TestHeaders(("X-Signature", genuine.signature), ("x-signature", genuine.signature))
        #expect(throws: VerificationError.invalidSignature) {
            try verifier(genuine.secret).verify(request(genuine.body, headers))
        }
    }

    @Test func `no signature, or only a SHA-1 one, is a missing signature`() throws {
        for headers in [
            TestHeaders(), TestHeaders(("X-Hub-Signature", "sha1=\(String(repeating: "0", count: 40))")),
        ] {
            #expect(throws: VerificationError.missingSignature) {
                try verifier(genuine.secret).verify(request(genuine.body, headers))
            }
        }
    }

    @Test func `another secret is refused`() throws {
        #expect(throws: VerificationError.invalidSignature) {
            try verifier("s3cret ").verify(
                request(genuine.body, TestHeaders(("X-Signature", genuine.signature))))
        }
    }

    @Test(arguments: [["s3cret", "new"], ["new", "s3cret"], ["new", "s3cret", "older"]])
    func `during a rotation each secret is accepted and the one that matched is recorded`(secrets: [String])
        throws
    {
        let verifier = Verifier(scheme: .hub, secrets: try secrets.map { try #require(Secret($0)) })
        let verified = try verifier.verify(
            request(genuine.body, TestHeaders((genuine.header, genuine.signature))))
        #expect(verified.verdict.keyID == "1ec1c26b")
    }

    @Test func `the answers are OrgLoop's`() {
        #expect(VerificationError.missingSignature.message == "Missing signature")
        #expect(VerificationError.invalidSignature.message == "Invalid signature")
    }

    @Test func `without a scheme everything is accepted and no key is named`() throws {
        let verified = try Verifier(scheme: .none, secrets: []).verify(request("x"))
        #expect(verified.verdict.scheme == "none")
        #expect(verified.verdict.keyID == nil)
    }

    @Test func `a secret never prints itself and is never empty`() throws {
        let secret = try #require(Secret("hunter2"))
        var dumped = ""
        dump([secret], to: &dumped)
        for shown in ["\(secret)", String(reflecting: secret), String(describing: [secret]), dumped] {
            #expect(!shown.contains("hunter2"))
        }
        #expect(Mirror(reflecting: secret).children.isEmpty)
        #expect(Secret("") == nil)
    }
}
