/// Bodies as a Claude Code hook sends them, all of one length and no two alike.
struct SessionBodies {
    /// What the issue's peers are measured with.
    static let bytes = 300

    /// Tells the bodies of this series from those of every other.
    private let series: UInt32
    private var number: UInt32 = 0

    init(series: UInt32 = .random(in: .min ... .max)) { self.series = series }

    mutating func next() -> [UInt8] {
        defer { number += 1 }
        var body = Self.begin
        Self.append(series, to: &body)
        Self.append(number, to: &body)
        body += Self.middle
        body += Array(repeating: UInt8(ascii: "."), count: Self.bytes - body.count - Self.end.count)
        body += Self.end
        return body
    }

    private static let begin = Array(#"{"session_id":"sess-"#.utf8)
    private static let middle = Array(
        (#"","working_directory":"/home/user/my-project","duration_seconds":120,"exit_status":0,"#
            + #""summary":"Implemented auth module and added tests"#).utf8)
    private static let end = Array(#""}"#.utf8)
    private static let digits = Array("0123456789abcdef".utf8)

    private static func append(_ number: UInt32, to body: inout [UInt8]) {
        for shift in stride(from: 28, through: 0, by: -4) { body.append(digits[Int(number >> UInt32(shift)) & 0xF]) }
    }
}
