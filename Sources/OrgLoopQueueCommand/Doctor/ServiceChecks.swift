import EventQueue
import EventQueueHTTP
import EventQueueSQLite
import Foundation
import NIOCore
import NIOPosix

/// Whether the service answers, and whether it takes the token.
struct ServiceChecks {
    /// What came back from a call.
    enum Answer: Equatable {
        case status(Int, body: String)
        /// Nobody listens there.
        case nobody
        /// Something else went wrong, in the client's words.
        case trouble(String)
    }

    let url: String
    let listen: ListenAddress
    let lock: ServiceLock.Standing
    /// The answer to `GET /ready`.
    let ready: Answer
    /// Whether the listen address can be bound; asked only while nobody answers there.
    let isPortFree: Bool?
    /// Whether there is a token to present.
    let hasToken: Bool
    /// The answer to a call with the token; `nil` when none was made.
    let authorised: Answer?
    var place = PrintedPlace.standard

    /// A service on this machine answers in milliseconds.
    private static let timeout: Duration = .seconds(5)

    /// Asks the service at `url`.
    static func look(
        at url: String, listen: ListenAddress, lock: ServiceLock.Standing, token: AccessToken?,
        place: PrintedPlace
    ) async -> ServiceChecks {
        let ready = await ask(url, "/ready", nil)
        let isNobody = ready == .nobody
        var authorised: Answer?
        if case .status = ready, let token { authorised = await ask(url, "/v1/status", token) }
        return ServiceChecks(
            url: url, listen: listen, lock: lock, ready: ready,
            isPortFree: isNobody && listen.port != 0 ? await canBind(listen) : nil,
            hasToken: token != nil, authorised: authorised, place: place)
    }

    var findings: [Finding] { [service, port, token].compactMap(\.self) + configuration }

    private var service: Finding {
        let check = "service"
        switch ready {
        case .status(200, let body) where body.contains(#""status":"ready""#): return .ok(check, "ready at \(url)")
        case .status(503, let body):
            return .fail(check, "\(url) is not ready: \(Self.cut(body))", mend: "Look at the log of the service.")
        case .status(421, _):
            return .fail(check, "\(url) does not take calls under this name", mend: "Add it to `hosts`.")
        case .trouble where lock.url == url: return silent("does not answer in time")
        case .status, .trouble:
            return .fail(
                check, "what answers at \(url) is not an orgloop-queue, or does not answer in time",
                mend: "Name the service with --url; its ready line shows the URL.")
        case .nobody: break
        }
        guard case .held(_, let known) = lock else {
            // Also where nobody may look at the lock.
            return .warn(
                check, "nobody answers at \(url): the service is not running", mend: "Start it: \(place.serve)")
        }
        // Whoever holds the lock without a URL is a verb at work, or a service that starts.
        if known == nil || known == url { return silent("does not answer") }
        return .fail(
            check, "\(holder) has the database and listens at \(known ?? ""), and nobody answers at \(url)",
            mend: "Leave --url and ORGLOOP_QUEUE_URL away, or name that URL with it.")
    }

    private var holder: String { lock.processID.map { "pid \($0)" } ?? "a process" }

    /// What has the database does not do what it is for.
    private func silent(_ what: String) -> Finding {
        let stop = lock.processID.map { "kill \($0)" } ?? "end the process that has its lock"
        return .fail(
            "service", "\(holder) has the database, and at \(url) it \(what)",
            mend: "Wait if it is starting or a verb is at work. Else it hangs: keep its log, stop it (\(stop)), and "
                + "start it again: \(place.serve)")
    }

    private var port: Finding? {
        switch isPortFree {
        case nil: nil
        case true?: .ok("port", "\(listen) is free")
        case false?:
            .fail(
                "port", "\(listen) cannot be listened on: another process has it, or it is not allowed",
                mend: "Stop that process, or choose another address: `listen` in the configuration, or --listen.")
        }
    }

    private var token: Finding? {
        let check = "token"
        switch authorised {
        case .status(200, _): return .ok(check, "the service takes it")
        case .status(401, _):
            return .fail(
                check, "the service at \(url) does not take this token",
                mend: "Use the file 'token' beside the service's database: --token-file, or ORGLOOP_QUEUE_TOKEN.")
        case .status(let status, _):
            return .warn(check, "the service answered \(status) to it", mend: "Look at the log of the service.")
        case .nobody, .trouble:
            return .warn(check, "the service did not answer to it", mend: "Look at the log of the service.")
        case nil:
            guard case .status = ready, !hasToken else { return nil }
            return .fail(
                check, "there is none to present to \(url)",
                mend: "Use the file 'token' beside the service's database: --token-file, or ORGLOOP_QUEUE_TOKEN.")
        }
    }

    /// Whether what the service goes by is what its file says.
    private var configuration: [Finding] {
        guard case .status(200, let body) = authorised,
            let status = try? ServiceConnection.Reply(status: 200, body: Array(body.utf8)).decoded(StatusReport.self),
            let report = status.configuration
        else { return [] }
        let check = "configuration in force"
        let refusals = [report.refusal].compactMap(\.self).map {
            Finding.fail(check, $0, mend: "Mend the file, and have it read again: \(place.reload)")
        }
        let delays = [report.delay].compactMap(\.self).map {
            Finding.fail(check, $0, mend: "When that is mended: \(place.reload)")
        }
        return refusals + delays
            + report.restarts.map {
                .warn(check, $0, mend: "Restart the service when it suits you; what it holds survives that.")
            }
    }

    /// What a foreign program answers may be long, and it may be anything.
    private static func cut(_ text: String) -> String {
        String(text.prefix(200)).split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    private static func ask(_ url: String, _ path: String, _ token: AccessToken?) async -> Answer {
        do throws(QueueClient.Failure) {
            let reply = try await QueueClient(url: url, token: token).send("GET", path, timeout: timeout)
            return .status(reply.status, body: reply.text)
        } catch .unreachable {
            return .nobody
        } catch {
            return .trouble("\(error)")
        }
    }

    /// Tries what the service would do, and undoes it.
    private static func canBind(_ address: ListenAddress) async -> Bool {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        guard let channel = try? await bootstrap.bind(host: address.host, port: address.port).get() else {
            return false
        }
        try? await channel.close()
        return true
    }
}
