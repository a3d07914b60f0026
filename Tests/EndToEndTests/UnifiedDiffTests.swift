import Testing

@testable import OrgLoopQueueCommand

/// Differences as `connector install` and `hook install` show them.
@Suite struct UnifiedDiffTests {
    private static let ten = (1...10).map { "\($0)\n" }.joined()

    @Test(arguments: [
        ("a\nb\n", "a\nx\nb\n", ["@@ -1,2 +1,3 @@", " a", "+x", " b"]),
        ("a\nb\n", "b\n", ["@@ -1,2 +1 @@", "-a", " b"]),
        (
            ten, ten.replacing("5\n", with: "five\n"),
            ["@@ -2,7 +2,7 @@", " 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8"]
        ),
        ("a\n", "a\n", []),
    ])
    func `a change is shown with its context`(_ old: String, _ new: String, _ hunks: [String]) {
        let lines = UnifiedDiff(name: "f", old: old, new: new).lines
        #expect(Array(lines.dropFirst(2)) == hunks)
        #expect(Array(lines.prefix(2)) == (hunks.isEmpty ? [] : ["--- a/f", "+++ b/f"]))
    }

    @Test func `changes far from each other are shown apart`() {
        let old = (1...20).map { "\($0)\n" }.joined()
        let new = "0\n" + old + "21\n"
        let lines = UnifiedDiff(name: "f", old: old, new: new).lines
        #expect(lines.filter { $0.hasPrefix("@@") } == ["@@ -1,3 +1,4 @@", "@@ -18,3 +19,4 @@"])
    }

    @Test func `a new file is all added`() {
        let lines = UnifiedDiff(name: "f", old: nil, new: "a\nb\n").lines
        #expect(lines == ["--- /dev/null", "+++ b/f", "@@ -0,0 +1,2 @@", "+a", "+b"])
    }

    @Test func `what would move the cursor is shown as it is written, and tabs are kept`() {
        let lines = UnifiedDiff(name: "f", old: "\ta\r\n", new: "\ta\u{1B}[2J\r\n").lines
        #expect(lines.dropFirst(3) == ["-\ta", "+\ta\\u{1b}[2J"])
    }
}
