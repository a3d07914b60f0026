import EventQueue
import Synchronization

/// Keeps browsers out: a page that a user happens to visit must not be able to write into a queue on
/// this machine, neither by a cross-origin POST nor by rebinding a DNS name to a loopback address.
final class Gate: Sendable {
    private let listenHost: String
    private let hosts: Current<[HostName]>
    /// Known once the socket is bound.
    private let port = Atomic<Int>(0)

    /// - Parameter hosts: Further names under which the service is called; one without a port goes with any.
    init(listenHost: String, hosts: [String]) {
        self.listenHost = listenHost.lowercased()
        self.hosts = Current(Self.names(hosts))
    }

    /// Lets `hosts` in from the next request on, and none of the names before.
    func admit(hosts: [String]) { self.hosts.replace(with: Self.names(hosts)) }

    private static func names(_ hosts: [String]) -> [HostName] { hosts.compactMap { HostName($0) } }

    /// Tells on which port the service listens.
    func isBound(to port: Int) {
        self.port.store(port, ordering: .relaxed)
    }

    /// The answer to a request that must not come in; `nil` for one that may.
    func refusal(hosts presented: [String], hasOrigin: Bool) -> Answer? {
        guard !hasOrigin else {
            return .json(403, ["error": "Origin not allowed", "detail": .text(Self.originMend)]).because(.origin)
        }
        guard presented.count == 1, let text = presented.first, !text.isEmpty else {
            return .json(400, ["error": "Missing Host header", "detail": "Send exactly one Host header."])
                .because(.host)
        }
        guard let host = HostName(text), allows(host) else {
            let named = String(text.prefix(128))
            return .json(
                421,
                [
                    "error": "Host not allowed",
                    "detail": .text(
                        "If this service is called \(named), add it to `hosts` in the configuration."),
                ]
            ).because(.host)
        }
        return nil
    }

    private static let originMend =
        "Browsers send an Origin header, and this service answers none: call it from "
        + "a program, without the header."

    private func allows(_ host: HostName) -> Bool {
        if HostName.loopback.contains(host.name) { return true }
        if host.name == listenHost, host.port == nil || host.port == port.load(ordering: .relaxed) {
            return true
        }
        return hosts.value.contains { $0.name == host.name && ($0.port == nil || $0.port == host.port) }
    }
}

/// A host and perhaps a port, as a Host header has them.
struct HostName: Sendable, Equatable {
    static let loopback: Set<String> = ["localhost", "127.0.0.1", "::1"]

    /// In lower case, an IPv6 address without its brackets.
    let name: String
    let port: Int?

    init?(_ text: String) {
        // Bytes, because every request has one, and what divides it is ASCII.
        let bytes = text.utf8
        let name: Substring.UTF8View
        let rest: Substring.UTF8View
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            name = bytes[..<end].dropFirst()
            rest = bytes[end...].dropFirst()
        } else {
            name = bytes.prefix { $0 != UInt8(ascii: ":") }
            rest = bytes[name.endIndex...]
        }
        guard !name.isEmpty else { return nil }
        self.name = Substring(name).lowercased()
        let digits = rest.dropFirst()
        // A colon without a port is as good as none (RFC 3986, section 3.2.3).
        if rest.isEmpty || rest.first == UInt8(ascii: ":") && digits.isEmpty {
            port = nil
            return
        }
        guard rest.first == UInt8(ascii: ":"), digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(Substring(digits)), number <= UInt16.max
        else { return nil }
        port = number
    }
}
