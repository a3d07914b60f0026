import EventQueue
import EventQueueHTTP
import EventQueueSQLite
import Foundation

/// Makes the checks in the order in which a maintainer would ask: what is configured, what is there, who
/// has it, who answers, what waits.
struct Doctor {
    let options: ConnectionOptions
    let environment: [String: String]

    private var place: PrintedPlace { PrintedPlace(options) }

    /// Every finding; nothing it does changes a queue.
    func findings() async -> [Finding] {
        guard let configuration = try? options.configuration.loadPlaces(tokenFile: options.tokenFile) else {
            return configurationFile + [hook(ListenAddress.standard.localURL)]
        }
        let storage = DatabaseReport(path: configuration.database)
        let content = try? storage.content?.get()
        let named = options.url ?? environment["ORGLOOP_QUEUE_URL"].flatMap { $0.isEmpty ? nil : $0 }
        let url = named ?? storage.lock.url ?? configuration.listen.localURL
        let service = await service(at: url, configuration, storage.lock)
        let queue = QueueChecks(
            configured: configuration.sources, sources: content?.sources,
            newestReceivedAt: content?.newestReceivedAt, now: .now(),
            running: named == nil && storage.lock.url != nil ? content.flatMap(running) : nil, place: place)
        return configurationFile + permissions(configuration) + self.storage(configuration, storage) + service
            + queue.findings + buffers(configuration, storage)
            + SpoolCheck(spool: Spool(database: configuration.database), now: .now()).findings + [hook(url)]
    }

    /// What the service that has the database is configured with; `nil` for one that does not record it.
    private func running(_ content: DatabaseReport.Content) -> [Secret.Use]? {
        guard content.pendingMigrations.isEmpty else { return nil }
        return content.secrets.filter { $0.droppedAt == nil }.map(\.use)
    }

    /// What is read, or why it cannot be used, and what an operator may want to mend in it.
    private var configurationFile: [Finding] {
        do {
            let configuration = try options.configuration.load(tokenFile: options.tokenFile)
            let read = [configuration.file].compactMap(\.self) + configuration.files
            let file = Finding.ok("configuration", read.isEmpty ? "none, the defaults" : read.joined(separator: ", "))
            let secretFiles = configuration.sources.flatMap { $0.secretFile?.warnings ?? [] }.map {
                Finding.warn("secret file", $0, mend: "Mend it, and order: \(place.reload)")
            }
            return [file] + secretFiles
        } catch {
            return [unusable(error)]
        }
    }

    private func unusable(_ error: any Error) -> Finding {
        let file = options.configuration.config.map { [$0] } ?? []
        let problems = (error as? ConfigurationFailure)?.problems.map(\.description) ?? ["\(error)"]
        let more = problems.count > 1 ? " (and \(problems.count - 1) more)" : ""
        return .fail(
            "configuration", (problems.first ?? "it cannot be used") + more,
            mend: CommandText.line(["config", "check"] + file) + " lists everything that is wrong.")
    }

    private func hook(_ url: String) -> Finding { HookCheck.look(home: environment["HOME"], url: url).finding }

    // MARK: Files

    private func permissions(_ configuration: ServiceConfiguration) -> [Finding] {
        let database = configuration.database
        let directory = ConfigurationLoader.directory(of: database)
        func check(_ kind: PermissionCheck.Kind, _ path: String) -> Finding {
            PermissionCheck(kind, path: path, facts: PermissionCheck.Facts(path: path), place: place).finding
        }
        let first = check(.directory, directory)
        // Without the directory there is nothing in it.
        guard PermissionCheck.Facts(path: directory) != nil else { return [first] }
        let logs = ["-wal", "-shm"].map { database + $0 }.filter { PermissionCheck.Facts(path: $0) != nil }
        let beside = logs.map { check(.database, $0) }.filter { $0.level != .ok }
        return [first, check(.database, database)] + beside
    }

    private func storage(_ configuration: ServiceConfiguration, _ report: DatabaseReport) -> [Finding] {
        let checks = StorageChecks(
            path: configuration.database, report: report, limits: configuration.limits,
            foreignWriters: OpenFiles.writers(of: configuration.database, but: report.lock.processID),
            place: place)
        return checks.findings
    }

    private func buffers(_ configuration: ServiceConfiguration, _ report: DatabaseReport) -> [Finding] {
        // What cannot be read may have it on record that they were imported.
        if case .failure? = report.content { return [] }
        let recorded = (try? report.content?.get())?.buffers ?? []
        return configuration.sources.flatMap { source in
            BufferCheck.look(source, recorded: recorded, arguments: options.arguments).findings
        }
    }

    // MARK: Service

    private func service(
        at url: String, _ configuration: ServiceConfiguration, _ lock: ServiceLock.Standing
    ) async -> [Finding] {
        let (token, file) = token(configuration)
        let checks = await ServiceChecks.look(
            at: url, listen: configuration.listen, lock: lock, token: token, place: place)
        return checks.findings + [file].compactMap(\.self)
    }

    /// The token to present, and what is to be said about its file.
    private func token(_ configuration: ServiceConfiguration) -> (AccessToken?, Finding?) {
        let path = configuration.tokenFile
        let file = PermissionCheck(
            .token, path: path, facts: PermissionCheck.Facts(path: path), place: place
        ).finding
        if options.tokenFile == nil, let text = environment["ORGLOOP_QUEUE_TOKEN"], !text.isEmpty {
            // The file may belong to a service on another machine then.
            return (AccessToken(text), file.level == .fail ? file : nil)
        }
        do throws(CommandFailure) {
            return (try TokenFile(path: path).load().flatMap { AccessToken($0) }, file)
        } catch {
            return (nil, .fail("token file", error.message, mend: error.mend))
        }
    }
}
