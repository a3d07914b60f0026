/// Writes JSON of every shape that RFC 8259 allows.
struct BodyGenerator {
    let random: SeededRandom

    private static let spaces = ["", "", "", "", " ", "\n", "\t", "\r\n  "]
    private static let numbers = [
        "0", "-0", "1", "-1", "0.0", "-0.0e-0", "1E400", "-1e-400", "1.0", "10e-1", "0e+00", "9007199254740993",
        "123456789012345678901234567890", "0.1000000000000000055511151231257827", "1e00000000000000000000001",
    ]
    private static let pieces = [
        "", "a", "b", "type", "é", "\u{FFFD}", "😀", "\u{2028}", "\u{7F}", "\u{80}", "\u{FEFF}", "/", #"\/"#, #"\""#,
        #"\\"#, #"\b\f\n\r\t"#, #"\u0000"#, #"\u0061"#, #"\u0022"#, #"\ud83d\ude00"#, #"\uD83D"#, #"\ude00"#,
        #"\ude00\ud83d"#, #"\ud83d\u0041"#, #"\uFFFF"#, #"\u2028"#, "ﬀ\u{301}", "日本", "'", "{[,:]}",
    ]

    /// Different names, some of which look alike once a decoder has put U+FFFD in the place of a surrogate.
    private static let alike = [
        #"\ud83d"#, #"\uD83E"#, #"\ude00"#, #"\ufffd"#, #"\ude00\ud83d"#, #"\u0000"#, "A", "a", "\u{212A}", "e\u{301}",
        "\u{E9}", " ", #"\t"#,
    ]

    /// An object; some of them repeat a name, which only the strict refuse.
    func object(depth: Int = 4, members required: [String] = []) -> String {
        // More names than are compared one by one, now and then.
        let count = random.happens(onceIn: 12) ? random.number(in: 12...40) : random.number(in: 0...5)
        var members =
            required
            + (0..<count).map { number in
                let isPlain = !random.happens(onceIn: 40)
                return name(isPlain ? number : random.number(in: 0...3)) + space() + ":" + value(depth: depth - 1)
            }
        if random.happens(onceIn: 10) {
            members += Self.alike.filter { _ in random.happens(onceIn: 2) }.map { "\"\($0)\":\(value(depth: 0))" }
        }
        if random.happens(onceIn: 2) { members.reverse() }
        return "{" + members.joined(separator: space() + "," + space()) + space() + "}"
    }

    /// A value with white space around it.
    func value(depth: Int) -> String {
        let inner =
            switch random.number(in: 0...(depth > 0 ? 9 : 6)) {
            case 0: pick(["true", "false", "null"])
            case 1: random.happens(onceIn: 30) ? longNumber() : pick(Self.numbers)
            case 2: String(random.number(in: -1_000_000...1_000_000))
            case 3: pick(["[]", "{}", "[ ]", "{\n}"])
            case 4...6: string()
            case 7: object(depth: depth - 1)
            default:
                "[" + (0...random.number(in: 0...3)).map { _ in value(depth: depth - 1) }.joined(separator: ",") + "]"
            }
        return space() + inner + space()
    }

    /// An object that is nested exactly `depth` deep.
    func nested(_ depth: Int) -> String {
        guard depth > 1 else { return "{}" }
        var (start, end) = (#"{"a":"#, "}")
        for _ in 1..<depth {
            let isObject = random.happens(onceIn: 2)
            start += space() + (isObject ? "{\(string()):" : "[")
            end = (isObject ? "}" : "]") + space() + end
        }
        return start + "0" + end
    }

    func string() -> String {
        let length = random.happens(onceIn: 200) ? 2000 : random.number(in: 0...4)
        return "\"" + (0..<length).map { _ in pick(Self.pieces) }.joined() + "\""
    }

    /// More digits than any number type holds, in each of the places where there may be digits.
    private func longNumber() -> String {
        let digits = String(repeating: "9", count: random.number(in: 20...400))
        return pick(["-\(digits)", "1.\(digits)", "1e\(digits)", "1E-\(digits)", "\(digits).\(digits)e+\(digits)"])
    }

    /// Different numbers make different names.
    private func name(_ number: Int) -> String {
        if number == 0 { return pick([#""""#, #""0""#, #""\u0030""#]) }
        let text = pick(["", "é", #"\u00e9"#, "😀", #"\ud83d\ude00"#, #"\ud83d"#, "/", #"\/"#])
        return "\"\(text)\(pick(["", #"\u006e"#, "n"]))\(number)\""
    }

    /// A string that is not empty.
    func word() -> String { #""w\#(string().dropFirst())"# }

    func space() -> String { pick(Self.spaces) }

    private func pick(_ choices: [String]) -> String { choices[random.number(in: 0...choices.count - 1)] }
}
