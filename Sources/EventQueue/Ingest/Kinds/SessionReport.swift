/// What a Claude Code request says about its session: the checked fields, as the bytes they were sent as.
struct SessionReport {
    let body: JSONText
    /// The name and meaning of the hook that fired, when the body is Claude Code's own hook JSON.
    let hook: ClaudeCodeHook?
    let isStart: Bool
    /// A JSON string that is not empty.
    let sessionID: ArraySlice<UInt8>
    /// A JSON string.
    let workingDirectory: ArraySlice<UInt8>
    /// A JSON number.
    let duration: ArraySlice<UInt8>
    /// A JSON number with the value `exitCode`.
    let exitStatus: ArraySlice<UInt8>
    let exitCode: Int
    let summary: ArraySlice<UInt8>

    /// - Throws: ``Rejection/missingField(name:detail:)`` for the first required field that is missing or of
    ///   the wrong type. A hook's body is exempt from all but `session_id`: Claude Code sends no others.
    init(_ body: JSONText, requiring required: Source.Agent.Fields = .all) throws(Rejection) {
        self.body = body
        hook = ClaudeCodeHook(body)
        isStart = hook.map { $0.phase == .started } ?? (body["hook_type"].flatMap(body.string) == "start")
        guard let sessionID = body["session_id"], sessionID.kind == .string, sessionID.range.count > 2 else {
            throw .missingField(name: "session_id", detail: "session_id must be a string that is not empty")
        }
        self.sessionID = body.raw(sessionID)
        if let hook {
            workingDirectory = Self.directory(body).map(body.raw) ?? Self.emptyString
            // Claude Code sends neither; whoever forwards its hook may know them.
            duration = body["duration_seconds"].flatMap { $0.kind == .number ? body.raw($0) : nil } ?? Self.zero
            exitCode = body["exit_status"].flatMap(body.integer) ?? hook.exitCode
            exitStatus = ArraySlice(String(exitCode).utf8)
            summary = hook.summary(body) ?? Self.emptyString
            return
        }
        let isOptional = isStart || required == .sessionOnly
        workingDirectory = try Self.workingDirectory(body, optional: required == .sessionOnly)
        duration = try Self.field("duration_seconds", "a number", optional: isOptional, body) {
            $0.kind == .number
        }
        exitStatus = try Self.field("exit_status", "an integer number", optional: isOptional, body) {
            body.integer($0) != nil
        }
        exitCode = body["exit_status"].flatMap(body.integer) ?? 0
        summary = body["summary"].map(body.raw) ?? Self.emptyString
    }

    /// Where the session ran; `working_directory` wins over its alias, also when it is of the wrong type.
    private static func directory(_ body: JSONText) -> JSONText.Value? {
        (body["working_directory"] ?? body["cwd"]).flatMap { $0.kind == .string ? $0 : nil }
    }

    /// The bytes of where the session ran; an empty string where it may be missing and is.
    private static func workingDirectory(
        _ body: JSONText, optional: Bool
    ) throws(Rejection) -> ArraySlice<UInt8> {
        if let directory = directory(body) { return body.raw(directory) }
        if optional, body["working_directory"] == nil, body["cwd"] == nil { return emptyString }
        throw .missingField(name: "working_directory", detail: "working_directory (or cwd) must be a string")
    }

    /// The bytes of a required number; zero for one that is missing where it is `optional`.
    private static func field(
        _ name: String, _ expected: String, optional: Bool, _ body: JSONText,
        where isValid: (JSONText.Value) -> Bool
    ) throws(Rejection) -> ArraySlice<UInt8> {
        guard let value = body[name] else {
            if optional { return zero }
            throw .missingField(name: name, detail: "\(name) must be \(expected), and is missing")
        }
        guard isValid(value) else { throw .missingField(name: name, detail: "\(name) must be \(expected)") }
        return body.raw(value)
    }

    private static let emptyString = ArraySlice(#""""#.utf8)
    private static let zero = ArraySlice("0".utf8)
}
