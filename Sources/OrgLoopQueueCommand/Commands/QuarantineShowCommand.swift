import ArgumentParser
import EventQueue
import Foundation

/// Shows one request with its body.
struct QuarantineShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows one request in quarantine: why it is there, its headers and its body.",
        discussion: """
            The body is printed byte for byte; on a terminal, what would move the cursor is shown as it is written.

            EXAMPLE
              orgloop-queue quarantine show 7
            """)

    @Argument(help: "The request's number.")
    var id: Int

    @OptionGroup var options: ConnectionOptions

    @Flag(help: "Print the service's answer as JSON.")
    var json = false

    private struct Detail: Decodable {
        let id: Int
        let source: String
        let receivedAt: String
        let reason: String
        let detail: String
        let verification: String
        let keyId: String?
        let idempotencyKey: String?
        let bodySha256: String?
        let bytes: Int
        let bodyBase64: String
        let orders: [Order]

        /// While the request is kept, these are retries that were refused.
        struct Order: Decodable {
            let action: String
            let actor: String
            let reason: String?
            let orderedAt: String
            let rejection: String

            var text: String { "\(orderedAt) by \(actor): \(rejection)" + (reason.map { " (\($0))" } ?? "") }
        }

        /// - Parameter headers: As the answer has them.
        func fields(headers: String?) -> [(name: String, value: String?)] {
            let verified = [verification, keyId.map { "key \($0)" }].compactMap(\.self).joined(separator: ", ")
            return [
                ("request", "\(id)"), ("source", source), ("received", receivedAt),
                ("reason", "\(reason): \(detail)"), ("verified", verified), ("key", idempotencyKey),
                ("headers", headers), ("sha256", bodySha256), ("bytes", "\(bytes)"),
            ] + orders.map { ($0.action, $0.text) }
        }
    }

    mutating func run() async throws {
        let path = "/v1/quarantine/\(id)"
        let reply = try await options.withService { service, _ in try await service.get(path) }
        guard !json else {
            try reply.requireSuccess()
            return try StandardStream.output.write(line: reply.text)
        }
        let detail = try reply.decoded(Detail.self)
        let headers = JSONOutput.member("headers", in: reply.body).map { String(decoding: $0, as: UTF8.self) }
        for (name, value) in detail.fields(headers: headers) {
            guard let value else { continue }
            let label = name.padding(toLength: 10, withPad: " ", startingAt: 0)
            try StandardStream.output.write(line: label + value.printable)
        }
        try StandardStream.output.write(line: "")
        let body = Array(Data(base64Encoded: detail.bodyBase64) ?? Data())
        let isTerminal = StandardStream.output.isTerminal
        try StandardStream.output.write(
            isTerminal ? Array(String(decoding: body, as: UTF8.self).printableLines.utf8) : body)
        try StandardStream.output.write(line: "")
    }
}
