import EventQueue
import Testing

struct BearerTests {
    private let body = #"{"session_id":"s","hook_event_name":"SessionEnd"}"#
    private let hubOfBody = "sha256=\(String(repeating: "0", count: 64))"

    private func verifier(_ schemes: [Verifier.Scheme], _ secrets: String...) throws -> Verifier {
        Verifier(schemes: schemes, secrets: try secrets.map { try #require(Secret($0)) })
    }

    @Test(arguments: ["Bearer s3cret", "bearer s3cret", "BEARER s3cret"])
    func `the secret itself is accepted under any spelling of its scheme`(_ value: String) throws {
        let verified = try verifier([.bearer], "s3cret").verify(request(body, TestHeaders(("Authorization", value))))
        #expect(verified.verdict.scheme == "bearer")
        #expect(verified.verdict.keyID == Secret("s3cret")?.keyID)
        #expect(!verified.headersJSON.contains("s3cret"))
    }

    @Test func `both secrets of a rotation are accepted, each under its own key id`() throws {
        let verifier = try verifier([.bearer], "new", "old")
        for secret in ["new", "old"] {
            let headers = TestHeaders(("Authorization", "Bearer \(secret)"))
            #expect(try verifier.verify(request(body, headers)).verdict.keyID == Secret(secret)?.keyID)
        }
    }

    @Test(arguments: ["Bearer s3cre", "Bearer s3cret ", "Bearer  s3cret", "Bearer ", "Bearer S3CRET"])
    func `a wrong secret is refused like a wrong signature`(_ value: String) throws {
        let verifier = try verifier([.bearer], "s3cret")
        #expect(throws: VerificationError.invalidSignature) {
            try verifier.verify(request(body, TestHeaders(("Authorization", value))))
        }
    }

    @Test(arguments: [
        TestHeaders(), TestHeaders(("Authorization", "Basic czNjcmV0")), TestHeaders(("Authorization", "")),
    ])
    func `a request without the secret is told that it has no signature`(_ headers: TestHeaders) throws {
        let verifier = try verifier([.bearer], "s3cret")
        #expect(throws: VerificationError.missingSignature) { try verifier.verify(request(body, headers)) }
    }

    @Test func `two authorizations are refused even if one is right`() throws {
        let verifier = try verifier([.bearer], "s3cret")
        let headers = TestHeaders(("Authorization", "Bearer s3cret"), ("Authorization", "Bearer s3cret"))
        #expect(throws: VerificationError.invalidSignature) { try verifier.verify(request(body, headers)) }
    }

    @Test func `a source with two schemes takes either, and is told which`() throws {
        let verifier = try verifier([.hub, .bearer], "s3cret")
        let bearer = TestHeaders(("Authorization", "Bearer s3cret"))
        #expect(try verifier.verify(request(body, bearer)).verdict.scheme == "bearer")
        let vector =
            #"{"session_id":"sess-abc123","working_directory":"/home/user/my-project","#
            + #""duration_seconds":120,"exit_status":0,"summary":"Implemented auth module and added tests"}"#
        let hub = TestHeaders(
            ("X-Hub-Signature-256", "sha256=1048ece42c09d27078fbbd4609a777ac3f97e17f98de98b128573f943160b2e8"))
        #expect(try verifier.verify(request(vector, hub)).verdict.scheme == "hub")
    }

    @Test func `a wrong signature is not made good by the right secret beside it`() throws {
        let verifier = try verifier([.hub, .bearer], "s3cret")
        let headers = TestHeaders(("X-Hub-Signature-256", hubOfBody), ("Authorization", "Bearer s3cret"))
        #expect(throws: VerificationError.invalidSignature) { try verifier.verify(request(body, headers)) }
    }

    @Test func `a source that wants a signature does not look at the secret itself`() throws {
        let verifier = try verifier([.hub], "s3cret")
        let headers = TestHeaders(("Authorization", "Bearer s3cret"))
        #expect(throws: VerificationError.missingSignature) { try verifier.verify(request(body, headers)) }
    }
}
