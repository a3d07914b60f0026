import EventQueue

/// Requests under every scheme: header lines, an empty line, the body.
struct RequestSubject: FuzzSubject {
    static let corpus = "request"
    static let words = [
        "\n", "sha256=", "v1,", "v1=", "t=", "v0=", ",", " ", "Bearer ", "webhook-id: ", "svix-signature: ",
        "X-Hub-Signature-256: ", "Idempotency-Key: ", "Stripe-Signature: ", "1736937000",
    ]

    struct Headers: HeaderLookup {
        let fields: [(name: String, value: String)]

        func values(of name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }
    }

    private static let now = Timestamp(milliseconds: 1_736_937_000_000)
    private let verifiers: [(own: Verifier, foreign: Verifier)]
    private let secret: Secret

    init(random: SeededRandom) throws {
        let texts = ["whsec_c2VjcmV0IG9mIHRoZSBvd25lcg==", "whsec_c2VjcmV0IG9mIGEgc3RyYW5nZXI="]
        let secrets = texts.compactMap { Secret($0) }
        guard secrets.count == 2 else { throw FuzzFinding(description: "no secrets") }
        secret = secrets[0]
        verifiers = Verifier.Scheme.allCases.filter { $0 != .none }.map {
            (Verifier(scheme: $0, secrets: [secrets[0]]), Verifier(scheme: $0, secrets: [secrets[1]]))
        }
    }

    func generate(_ random: SeededRandom) -> [UInt8]? {
        let schemes = Verifier.Scheme.allCases
        let body = Array(#"{"id":"evt_1","n":\#(random.number(in: 0...99))}"#.utf8)
        let proof = schemes[random.number(in: 0...schemes.count - 1)]
            .proof(of: body, by: secret, id: "msg_1", at: Self.now)
        return Array((proof.map { "\($0.name): \($0.value)\n" }.joined() + "\n").utf8) + body
    }

    func check(_ input: [UInt8]) throws {
        let (headers, body) = Self.read(input)
        let request = Request(body: body, headers: headers, receivedAt: Self.now)
        for (own, foreign) in verifiers {
            try demand((try? foreign.verify(request)) == nil, "\(foreign.schemes) believed a proof by another secret")
            guard let verified = try? own.verify(request) else { continue }
            try demand(verified.body == body, "another body")
            try demand(isProven(headers, body, own.schemes[0]), "\(own.schemes) believed what has no proof")
            try demand(
                ReferenceJSON.accepts(Array(verified.headersJSON.utf8), depthMax: 2), "stored headers are not JSON")
            try demand((1...256).contains(verified.idempotencyKey?.utf8.count ?? 1), "a key of a forbidden length")
        }
    }

    /// Whether the code that the secret makes of this request stands anywhere in its headers.
    private func isProven(_ headers: Headers, _ body: [UInt8], _ scheme: Verifier.Scheme) -> Bool {
        let values = headers.fields.map { $0.value.lowercased() }
        let ids = headers.fields.filter { $0.name.hasSuffix("-id") }.map(\.value) + ["none"]
        let digits = headers.fields.flatMap { $0.value.split { !$0.isNumber } }
        let times: [Int64] = digits.compactMap { Int64($0) }.filter { $0 < 1 << 40 } + [0]
        return ids.contains { id in
            times.contains { seconds in
                let time = Timestamp(milliseconds: seconds * 1000)
                let proof = scheme.proof(of: body, by: secret, id: id, at: time).map(\.value)
                let codes = proof.map { $0.lowercased().split(separator: "v1=").last.map(String.init) ?? "" }
                return codes.contains { code in code.count > 40 && values.contains { $0.contains(code) } }
                    || (scheme == .bearer && values.contains { $0.hasPrefix("bearer ") })
            }
        }
    }

    /// Header lines and, behind an empty one, the body.
    static func read(_ input: [UInt8]) -> (Headers, body: [UInt8]) {
        var fields: [(name: String, value: String)] = []
        var rest = input[...]
        while let end = rest.firstIndex(of: 0x0A), end > rest.startIndex {
            let line = String(decoding: rest[..<end], as: UTF8.self)
            rest = rest[(end + 1)...]
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            fields.append((line[..<colon].lowercased(), String(value)))
        }
        return (Headers(fields: fields), Array(rest.dropFirst()))
    }
}
