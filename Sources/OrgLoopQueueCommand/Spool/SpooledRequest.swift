import EventQueue
import Foundation

/// A sender's request that has not reached the service yet: proven, and with a key of its own, so that it may
/// be posted any number of times and becomes one event.
struct SpooledRequest: Sendable, Equatable {
    /// A header as it would have been sent.
    struct Header: Codable, Sendable, Equatable {
        let name: String
        let value: String
    }

    /// Where the sender was told to post it, if it was told; else it is for the service of the database that
    /// the spool lies beside.
    let url: String?
    /// The name in the path.
    let source: String
    let firedAt: Timestamp
    let headers: [Header]
    let body: [UInt8]

    /// Why a spool file is none.
    struct Damage: Error, CustomStringConvertible {
        let description: String
    }

    /// The file's content, as JSON.
    private struct Content: Codable {
        let orgloopQueueSpool: Int
        let url: String?
        let source: String
        let firedAt: String
        let headers: [Header]
        let body: Data
        let bodySHA256: String

        enum CodingKeys: String, CodingKey {
            case orgloopQueueSpool = "orgloop_queue_spool"
            case url, source, headers, body
            case firedAt = "fired_at"
            case bodySHA256 = "body_sha256"
        }
    }

    /// The only form there has been.
    private static let version = 1

    init(url: String?, source: String, firedAt: Timestamp, headers: [Header], body: [UInt8]) {
        self.url = url
        self.source = source
        self.firedAt = firedAt
        self.headers = headers
        self.body = body
    }

    /// Reads a spool file.
    ///
    /// - Throws: ``Damage`` when it is cut, changed, or written by a newer version.
    init(file bytes: [UInt8]) throws(Damage) {
        guard let content = try? JSONDecoder().decode(Content.self, from: Data(bytes)) else {
            throw Damage(description: "it is not a whole spool file")
        }
        guard content.orgloopQueueSpool == Self.version else {
            throw Damage(description: "it is a spool file of another version (\(content.orgloopQueueSpool))")
        }
        guard Fingerprint(of: content.body).description == content.bodySHA256 else {
            throw Damage(description: "its body does not have its hash")
        }
        guard let firedAt = Timestamp(iso8601: content.firedAt) else {
            throw Damage(description: "its time is none")
        }
        self.init(
            url: content.url, source: content.source, firedAt: firedAt, headers: content.headers,
            body: Array(content.body))
    }

    /// The content of its spool file.
    func file() throws -> [UInt8] {
        let content = Content(
            orgloopQueueSpool: Self.version, url: url, source: source, firedAt: firedAt.iso8601, headers: headers,
            body: Data(body), bodySHA256: Fingerprint(of: body).description)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(content))
    }

    /// The same request for the service at `url`.
    func addressed(to url: String?) -> SpooledRequest {
        SpooledRequest(url: url, source: source, firedAt: firedAt, headers: headers, body: body)
    }

    /// Whether it was meant for the service at `url`, as far as it says.
    func isAddressed(to url: String) -> Bool {
        self.url.map { Self.place($0) == Self.place(url) } ?? true
    }

    /// A URL with one spelling for this machine.
    private static func place(_ url: String) -> String {
        let trimmed = url.hasSuffix("/") ? String(url.dropLast()) : url
        return trimmed.lowercased().replacing("://localhost", with: "://127.0.0.1")
            .replacing("://[::1]", with: "://127.0.0.1")
    }
}

extension SpooledRequest: HeaderLookup {
    func values(of name: String) -> [String] {
        headers.filter { $0.name.lowercased() == name }.map(\.value)
    }

    var names: [String] { headers.map(\.name) }
}
