/// Where the service listens: a host and a port.
struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
    let host: String
    /// 0 takes a free one.
    let port: Int

    /// The default: reachable from this machine only.
    static let standard = ListenAddress(knownHost: "127.0.0.1", port: 4810)
    static let allowed = "allowed: HOST:PORT, port 0 to 65535, an IPv6 address in brackets, like [::1]:4810"

    /// Parses `HOST:PORT`; `nil` for anything else.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...])
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        let isName = host.utf8.allSatisfy { byte in
            byte > UInt8(ascii: " ") && byte < 0x7F && byte != UInt8(ascii: "/") && byte != UInt8(ascii: "@")
        }
        guard !host.isEmpty, isName else { return nil }
        self.init(knownHost: String(host), port: port)
    }

    private init(knownHost host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Whether nobody but this machine can reach it.
    var isLoopback: Bool {
        if host == "::1" || host.lowercased() == "localhost" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// The same host with the port that was taken.
    func with(port: Int) -> ListenAddress { ListenAddress(knownHost: host, port: port) }

    /// The URL by which a client on this machine reaches it.
    var localURL: String {
        let reachable = host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "::1" : host
        return "http://" + Self.joined(reachable, port)
    }

    var description: String { Self.joined(host, port) }

    private static func joined(_ host: String, _ port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func port(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(text)
        else { return nil }
        return Int(port)
    }
}
