import EventQueue

/// Requests of every kind, verified by nobody: header lines, an empty line, the body.
struct KindSubject: FuzzSubject {
    static let corpus = "kinds"
    static let words = [
        "\n", "content-type: application/cloudevents+json\n", "content-type: application/cloudevents-batch+json\n",
        "ce-id: ", "ce-type: %E2%82%AC\n", "ce-time: 2025-01-15T10:30:00Z\n", "x-github-event: pull_request\n", "%",
        "%00",
        #""action":"closed","#, #""type":"Issue","#, #""hook_event_name":"Stop","#, #""data":"#, #""data_base64":"","#,
        #""session_id":"s","#, #""exit_status":1e2,"#, #""duration_seconds":-0,"#, #""timestamp":"2025-01-15T10:30Z","#,
        #""specversion":"1.0","#, #"\ud83d"#, #""provenance":{"platform":"p"},"#, "null", "[", "]", "{", "}", ",",
        "1e99",
    ]

    private static let kinds: [Source.Kind] = [
        .claudeCode(.sessionExited), .claudeCode(.lifecycle),
        .session(Source.Agent(harness: "codex", format: .lifecycle, required: .sessionOnly)), .github, .linear,
        .orgLoopEvent, .cloudEvents, .webhook(eventTypeField: ["type"]), .webhook(eventTypeField: ["data", "a", ""]),
    ]

    private let sources: [Source]
    private let id: Event.ID

    init(random: SeededRandom) throws {
        guard let name = Source.ID("fuzz"), let id = Event.ID("evt_a1b2c3d4e5f67890") else {
            throw FuzzFinding(description: "no names")
        }
        let verifier = Verifier(scheme: .none, secrets: [])
        self.id = id
        sources = Self.kinds.map { Source(id: name, kind: $0, verifier: verifier) }
    }

    func check(_ input: [UInt8]) throws {
        let (headers, body) = RequestSubject.read(input)
        let request = Request(body: body, headers: headers, receivedAt: Timestamp(milliseconds: 1_736_937_000_000))
        let reference = try? ReferenceJSON(body)
        let isJSON = ReferenceJSON.accepts(body, depthMax: Limits.jsonDepthMax)
        // Its attributes are in the headers, and data is what an event may have (CloudEvents 1.0, section 3).
        let isWithoutData = body.isEmpty && !headers.values(of: "ce-specversion").isEmpty
        for source in sources {
            guard let verified = try? source.verifier.verify(request) else { continue }
            do {
                let events = try source.normaliseAll(verified) { id }
                try check(events, of: source, isReadable: isJSON || isWithoutData && source.kind == .cloudEvents)
            } catch let error as Rejection {
                let isObject = isJSON && reference?.isObject == true && source.kind != .cloudEvents
                if case .invalidJSON = error { try demand(!isObject, "\(source.kind): \(error.detail)") }
                try demand(!error.detail.isEmpty, "refused without a word")
            }
        }
    }

    private func check(_ events: [NewEvent], of source: Source, isReadable: Bool) throws {
        try demand(isReadable, "\(source.kind) made an event of what is not JSON")
        for event in events {
            let envelope = try? ReferenceJSON(event.envelope)
            let names = envelope?.names.map { String(decoding: $0, as: UTF16.self) }
            try demand(names == ["id", "timestamp", "source", "type", "provenance", "payload"], "another envelope")
            try demand(
                ReferenceJSON.accepts(event.envelope, depthMax: Limits.envelopeDepthMax),
                "\(source.kind): an envelope that nobody may read again")
        }
    }
}
