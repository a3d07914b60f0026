import CYaml

/// Refuses YAML whose tree would be out of all proportion to its text, before anybody builds that tree.
///
/// Yams hashes every key with all that is in it, and gives each alias the whole of what it stands for: a key of
/// 200 bytes kept it busy for ever, and so would a walk over what eleven lines of aliases stand for. This is
/// one pass over libyaml's events, of which Yams shows none.
struct YAMLBounds {
    /// What is out of bounds, and where.
    struct Excess: Error, CustomStringConvertible {
        let problem: String
        let allowed: String
        let line: Int
        let column: Int

        var description: String { "\(line):\(column): \(problem); \(allowed)" }
    }

    /// As many as a largest file has bytes: aliases do not make a file say more than it could without them.
    static let nodesMax = 1 << 20
    /// A handful is used; what walks a document calls itself for each.
    static let depthMax = 100

    /// What an anchor stands for.
    private struct Anchored {
        let nodes: Int
        /// Levels of lists and mappings in it.
        let height: Int
    }

    /// A list or mapping that has begun.
    private struct Open {
        let anchor: String?
        let nodesBefore: Int
        let isMapping: Bool
        var isKeyNext: Bool
        var height = 1
    }

    private var nodes = 0
    private var open: [Open] = []
    private var anchors: [String: Anchored] = [:]

    /// Checks the first document of `text`; what is not YAML is left to who reads it next.
    static func check(_ text: String) throws(Excess) {
        // libyaml keeps the parser's own address in it, so it must not move.
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        guard yaml_parser_initialize(parser) == 1 else { return }
        defer { yaml_parser_delete(parser) }
        let bytes = Array(text.utf8)
        let excess: Excess? = bytes.withUnsafeBufferPointer { bytes in
            yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
            do throws(Excess) {
                var bounds = YAMLBounds()
                while try bounds.takeEvent(of: parser) {}
                return nil
            } catch {
                return error
            }
        }
        if let excess { throw excess }
    }

    /// Takes the next event; `false` behind the last one of interest.
    private mutating func takeEvent(of parser: UnsafeMutablePointer<yaml_parser_t>) throws(Excess) -> Bool {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { return false }
        defer { yaml_event_delete(&event) }
        switch event.type {
        case YAML_DOCUMENT_END_EVENT, YAML_STREAM_END_EVENT: return false
        case YAML_ALIAS_EVENT: try takeAlias(event)
        case YAML_SCALAR_EVENT:
            try count(Anchored(nodes: 1, height: 0), at: event)
            if let name = Self.name(event.data.scalar.anchor) { anchors[name] = Anchored(nodes: 1, height: 0) }
            completeNode()
        case YAML_SEQUENCE_START_EVENT:
            try begin(isMapping: false, anchor: Self.name(event.data.sequence_start.anchor), at: event)
        case YAML_MAPPING_START_EVENT:
            try begin(isMapping: true, anchor: Self.name(event.data.mapping_start.anchor), at: event)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: end()
        default: break
        }
        return true
    }

    private mutating func takeAlias(_ event: yaml_event_t) throws(Excess) {
        let meant = Self.name(event.data.alias.anchor).flatMap { anchors[$0] } ?? Anchored(nodes: 1, height: 0)
        if meant.height > 0 { try refuseKey(at: event) }
        try count(meant, at: event)
        completeNode()
    }

    private mutating func begin(isMapping: Bool, anchor: String?, at event: yaml_event_t) throws(Excess) {
        try refuseKey(at: event)
        let before = nodes
        try count(Anchored(nodes: 1, height: 1), at: event)
        open.append(Open(anchor: anchor, nodesBefore: before, isMapping: isMapping, isKeyNext: isMapping))
    }

    private mutating func end() {
        guard let ended = open.popLast() else { return }
        if let anchor = ended.anchor {
            anchors[anchor] = Anchored(nodes: nodes - ended.nodesBefore, height: ended.height)
        }
        raise(to: ended.height)
        completeNode()
    }

    private mutating func count(_ added: Anchored, at event: yaml_event_t) throws(Excess) {
        guard open.count + added.height <= Self.depthMax else {
            throw Self.excess("is nested too deeply", allowed: "allowed: \(Self.depthMax) levels", at: event)
        }
        // Neither is more than the limit, so the sum is a number.
        nodes += added.nodes
        guard nodes <= Self.nodesMax else {
            throw Self.excess(
                "the aliases stand for too much", allowed: "allowed: \(Self.nodesMax) values in all", at: event)
        }
        raise(to: added.height)
    }

    /// Remembers that the innermost open collection has something of this height in it.
    private mutating func raise(to height: Int) {
        guard let last = open.indices.last else { return }
        open[last].height = max(open[last].height, height + 1)
    }

    private mutating func completeNode() {
        guard let last = open.indices.last, open[last].isMapping else { return }
        open[last].isKeyNext.toggle()
    }

    private func refuseKey(at event: yaml_event_t) throws(Excess) {
        guard open.last?.isKeyNext == true else { return }
        throw Self.excess("a list or a mapping is a key", allowed: "allowed: keys that are single values", at: event)
    }

    private static func excess(_ problem: String, allowed: String, at event: yaml_event_t) -> Excess {
        Excess(
            problem: problem, allowed: allowed, line: Int(event.start_mark.line) + 1,
            column: Int(event.start_mark.column) + 1)
    }

    private static func name(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        text.map { String(cString: $0) }
    }
}
