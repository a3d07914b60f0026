import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A small HTTP/1.1 client for the command line: one request, one connection, one answer.
public struct QueueClient: Sendable {
    /// Why there is no answer.
    public enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
        /// Only `http://host:port` can be called.
        case invalidURL(String)
        /// Nobody listens there.
        case unreachable(url: String)
        /// The answer did not come in time; whether the request was carried out is not known.
        case timedOut(url: String)
        /// What came is not an HTTP answer, or it broke off.
        case badAnswer(url: String)

        /// What happened and what to look at.
        public var description: String {
            switch self {
            case .invalidURL(let url): "\(url) is not an address of the form http://HOST:PORT"
            case .unreachable(let url): "nobody answers at \(url): is the service running?"
            case .timedOut(let url): "\(url) did not answer in time"
            case .badAnswer(let url): "what answers at \(url) is not an orgloop-queue"
            }
        }
    }

    /// An answer, whatever its status.
    public struct Reply: Sendable {
        public let status: Int
        /// The header fields in the order of their arrival.
        public let headers: [(name: String, value: String)]
        public let body: [UInt8]

        /// The first header field of this name, in any case.
        public func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }

        /// The body as text.
        public var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// The service it calls.
    public let url: String
    private let host: String
    private let port: Int
    private let token: AccessToken?
    private let connectTimeout: Duration

    /// More than the largest batch.
    private static let bodyBytesMax = 64 << 20

    /// - Parameters:
    ///   - token: Presented with every request.
    ///   - connectTimeout: A loopback connection is there at once or not at all; five seconds are for a service
    ///     across a network.
    /// - Throws: ``Failure/invalidURL(_:)`` for anything but `http://HOST:PORT`.
    public init(
        url: String, token: AccessToken? = nil, connectTimeout: Duration = .seconds(5)
    ) throws(Failure) {
        let trimmed = url.hasSuffix("/") ? String(url.dropLast()) : url
        guard trimmed.hasPrefix("http://"), let name = HostName(String(trimmed.dropFirst(7))),
            !name.name.contains("/"), !name.name.contains("@")
        else { throw .invalidURL(url) }
        self.url = trimmed
        self.token = token
        self.connectTimeout = connectTimeout
        host = name.name
        port = name.port ?? 80
    }

    /// Sends one request and reads the whole answer.
    ///
    /// - Parameters:
    ///   - path: With its query, beginning with a slash.
    ///   - timeout: From the connection on until the answer has arrived.
    /// - Throws: ``Failure``; every answer is returned, whatever its status.
    public func send(
        _ method: String, _ path: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        timeout: Duration = .seconds(10)
    ) async throws(Failure) -> Reply {
        let connection = try await connect()
        let isLate = Latch()
        let deadline = connection.channel.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
            isLate.close()
            connection.channel.close(promise: nil)
        }
        defer { deadline.cancel() }
        let head = requestHead(method, path, headers, bodyBytes: body.count)
        do {
            return try await withTaskCancellationHandler {
                try await connection.executeThenClose { inbound, outbound in
                    try await outbound.write(contentsOf: [
                        .head(head), .body(.byteBuffer(ByteBuffer(bytes: body))), .end(nil),
                    ])
                    return try await Self.read(inbound)
                }
            } onCancel: {
                connection.channel.close(promise: nil)
            }
        } catch {
            throw isLate.isClosed ? .timedOut(url: url) : .badAnswer(url: url)
        }
    }

    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private func connect() async throws(Failure) -> Connection {
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(TimeAmount(connectTimeout))
                .connect(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw .unreachable(url: url)
        }
    }

    private func requestHead(
        _ method: String, _ path: String, _ headers: [(name: String, value: String)], bodyBytes: Int
    ) -> HTTPRequestHead {
        var fields = HTTPHeaders([("Host", url.split(separator: "/").last.map(String.init) ?? host)])
        fields.add(name: "Connection", value: "close")
        if bodyBytes > 0 { fields.add(name: "Content-Length", value: String(bodyBytes)) }
        // A sender's proof may be of this name, and one that is repeated is refused.
        let isProven = headers.contains { $0.name.lowercased() == "authorization" }
        if let token, !isProven { fields.add(name: "Authorization", value: token.authorization) }
        for header in headers { fields.add(name: header.name, value: header.value) }
        return HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: method), uri: path, headers: fields)
    }

    private static func read(_ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>) async throws
        -> Reply
    {
        var head: HTTPResponseHead?
        var body: [UInt8] = []
        for try await part in inbound {
            switch part {
            case .head(let received): head = received
            case .body(let bytes):
                guard body.count + bytes.readableBytes <= bodyBytesMax else { throw Broken() }
                body.append(contentsOf: bytes.readableBytesView)
            case .end:
                guard let head else { throw Broken() }
                let headers = head.headers.map { (name: $0.name, value: $0.value) }
                return Reply(status: Int(head.status.code), headers: headers, body: body)
            }
        }
        throw Broken()
    }

    /// The answer broke off.
    private struct Broken: Error {}
}

/// A flag that is raised once.
private final class Latch: Sendable {
    private let closed = Atomic<Bool>(false)

    var isClosed: Bool { closed.load(ordering: .acquiring) }

    func close() { closed.store(true, ordering: .releasing) }
}
