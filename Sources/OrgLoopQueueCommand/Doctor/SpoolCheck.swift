import EventQueue

/// What hooks have left, and what of it nobody will take.
struct SpoolCheck {
    let spool: Spool
    let now: Timestamp

    /// A service that runs takes a file in within a second or two.
    private static let waitMax: Duration = .seconds(60)

    var findings: [Finding] {
        let setAside = spool.setAside()
        return [waiting] + (setAside.isEmpty ? [] : [rejected(setAside)])
    }

    private var waiting: Finding {
        let names = spool.waiting()
        guard let oldest = names.first else { return .ok("spool", "empty") }
        let text = "\(Self.requests(names.count)) of hooks wait in \(spool.directory)"
        guard let firedAt = Spool.firedAt(oldest), firedAt.advanced(by: Self.waitMax) < now else {
            return .ok("spool", text)
        }
        return .warn(
            "spool", text + ", the oldest since \(firedAt)",
            mend: "Start the service, which takes them in: orgloop-queue serve. If it runs, its log says why not.")
    }

    private func rejected(_ names: [String]) -> Finding {
        let newest = names.last.map { spool.rejected + "/" + $0 } ?? spool.rejected
        return .warn(
            "spool",
            "\(Self.requests(names.count)) of hooks \(names.count == 1 ? "was" : "were") set aside, the last one as \(newest)",
            mend: "Read the reason beside it (.reason). When that is mended, send the event again: jq -r .body FILE | "
                + "base64 -d | orgloop-queue send SOURCE --body -; then remove the file.")
    }

    private static func requests(_ count: Int) -> String { count == 1 ? "1 request" : "\(count) requests" }
}
