import EventQueue

/// The validator against ``ReferenceJSON``.
struct JSONSubject: FuzzSubject {
    static let corpus = "json"
    static let words = [
        #""a":"#, #""\u0061":"#, #"\u0061"#, #"\ud83d\ude00"#, #"\ud83d"#, "😀", "\u{FEFF}", "[", "{}", "[]", ",", "01",
        "-", "1e", "0.", "true", "null", #"\"#, "\u{0}", "\u{1F}", #""":"#, "é",
    ]

    private let depths: SeededRandom

    init(random: SeededRandom) { depths = random }

    func generate(_ random: SeededRandom) -> [UInt8]? {
        let generator = BodyGenerator(random: random)
        return random.happens(onceIn: 10)
            ? Array(generator.nested(random.number(in: 60...68)).utf8) : Array(generator.value(depth: 3).utf8)
    }

    func check(_ input: [UInt8]) throws {
        let reference = try? ReferenceJSON(input)
        do {
            let json = try JSONText(input)
            guard let reference else { throw FuzzFinding(description: "accepted, and is not JSON") }
            try demand(!reference.hasDuplicateName, "accepted with a name that comes twice")
            try demand(reference.depth <= Limits.jsonDepthMax, "accepted at depth \(reference.depth)")
            try compare(json, with: reference)
        } catch let refusal as JSONError {
            guard let reference else { return }
            switch refusal.reason {
            case .duplicateName: try demand(reference.hasDuplicateName, "refused for a name that comes once")
            case .tooDeep: try demand(reference.depth > Limits.jsonDepthMax, "refused at depth \(reference.depth)")
            default: throw FuzzFinding(description: "refused, and is JSON: \(refusal)")
            }
        }
    }

    private func compare(_ json: JSONText, with reference: ReferenceJSON) throws {
        let names = json.members.map { json.name(of: $0) }
        try demand(names == reference.names.map { String(decoding: $0, as: UTF16.self) }, "other names: \(names)")
        try demand(reference.isObject == (json.root.kind == .object), "another kind")
        let again = try JSONText(Array(json.raw(json.root)))
        let moved = again.members.map { $0.value.range.lowerBound + json.root.range.lowerBound }
        try demand(moved == json.members.map(\.value.range.lowerBound), "other members when read again")
        for member in json.members {
            let value = Array(json.raw(member.value))
            try demand(ReferenceJSON.accepts(value, depthMax: Limits.jsonDepthMax), "a member that is not JSON")
            _ = (json.string(member.value), json.integer(member.value), json.elements(of: member.value))
            let text = json.name(of: member)
            // What cannot be told from another one once it is decoded is found under the first of them.
            let isAmbiguous = names.filter { $0.utf8.elementsEqual(text.utf8) }.count > 1
            try demand(isAmbiguous || json[text] == member.value, "a member that its name does not find")
        }
        for member in json.members(of: json.root) where member.value.kind == .object {
            try demand(json.value(at: [json.name(of: member)]) != nil, "a path that leads nowhere")
        }
    }
}
