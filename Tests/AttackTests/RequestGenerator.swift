/// Whole requests as they go over the wire, of every route that reads something, and what they are made of.
struct RequestGenerator {
    private let mutator: Mutator
    private let random: SeededRandom

    init(random: SeededRandom, token: String) {
        self.random = random
        let words = Self.words.map { Array($0.utf8) } + [[0xFF, 0xFE], [0], Array(repeating: 0x61, count: 5000)]
        mutator = Mutator(random: random, words: words, corpus: Self.requests(token: token))
    }

    /// One request, most of them broken, some with another behind it.
    func next() -> [UInt8] {
        let one = random.happens(onceIn: 10) ? mutator.sample() : mutator.mutated(mutator.sample())
        return random.happens(onceIn: 8) ? one + mutator.mutated(mutator.sample()) : one
    }

    private static let words = [
        "\r\n", "\n", "\r", "\r\n\r\n", " ", "\t", ":", ": ", "0\r\n\r\n", "2\r\n{}\r\n", "ffffffffffffffff\r\n",
        "-1\r\n",
        "Content-Length: 2\r\n", "Content-Length: 0\r\n", "Content-Length: 18446744073709551615\r\n",
        "Content-Length: 1048577\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Connection: close\r\n", "Connection: keep-alive\r\n", "Connection: Upgrade\r\nUpgrade: h2c\r\n",
        "Expect: 100-continue\r\n", "Host: localhost\r\n", "Host: evil.example\r\n", "Origin: null\r\n",
        "Content-Encoding: gzip\r\n", "Idempotency-Key: k\r\n", "Trailer: X\r\n", " HTTP/1.0", " HTTP/2.0",
        "http://localhost", "//", "/..", "%00", "%2F", "?limit=1", "?limit=99999999999999999999", "&since=", "HEAD ",
        "PUT ",
        "null", "[[[[[[[[", #"{"a":"#, #""checkpoint":""#, #""limit":-1,"#, #""wait_ms":1,"#, "1e999", #"\ud800"#,
    ]

    private static func requests(token: String) -> [[UInt8]] {
        let hook = #"{"session_id":"s","working_directory":"/w","duration_seconds":1.5,"exit_status":0}"#
        let cursor = "/v1/consumers/orgloop/sources/claude-code"
        let key = "Authorization: Bearer \(token)\r\n"
        let selection = #"{"source":"claude-code","state":"in_doubt"}"#
        let rest = #""source":"claude-code","type":"t","payload":{}"#
        let calls = [
            ("\(cursor)/session", #"{"engine":"host/1","settles":true,"start":"beginning"}"#),
            ("\(cursor)/session/close", #"{"session":"ses_1"}"#),
            ("\(cursor)/poll", #"{"checkpoint":null,"limit":10}"#),
            ("\(cursor)/settle", #"{"outcomes":[{"event_id":"evt_1","outcome":"delivered"}]}"#),
            ("\(cursor)/resume", #"{"actor":"a","reason":"r"}"#),
            ("/v1/replays", #"{"consumer":"orgloop","actor":"a","reason":"r","select":\#(selection)}"#),
            ("/v1/quarantine/1/retry", "{}"),
            ("/v1/import", #"{"id":"evt_1","timestamp":"2025-01-15T10:30:00.000Z",\#(rest)}"#),
        ]
        let questions = [
            "/health", "/ready", "/metrics", "/v1/status", "/v1/sources", "/v1/consumers",
            "/v1/events?source=claude-code&state=pending&limit=10", "/v1/events/evt_1", "/v1/quarantine?limit=2",
            "/v1/replays",
        ]
        let posts = [("/webhook/claude-code", hook), ("/webhook/nobody", hook), ("/webhook/claude-code", "{")]
        let sized = (posts + calls).map { path, body in
            "POST \(path) HTTP/1.1\r\nHost: localhost\r\n\(key)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }
        let chunked = posts.map { path, body in
            let half = body.utf8.count / 2
            let parts = [body.prefix(half), body.dropFirst(half)].map { part in
                "\(String(part.utf8.count, radix: 16))\r\n\(part)\r\n"
            }
            return "POST \(path) HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "\(parts.joined())0\r\n\r\n"
        }
        let asked = questions.map { "GET \($0) HTTP/1.1\r\nHost: localhost\r\n\(key)\r\n" }
        return (sized + chunked + asked).map { Array($0.utf8) }
    }
}
