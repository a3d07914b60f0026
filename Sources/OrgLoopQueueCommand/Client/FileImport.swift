import EventQueue

/// The import of one file: reads it piece by piece and hands each to the service.
struct FileImport {
    /// The service's answer to one call.
    private struct Answer: Decodable {
        struct Rejection: Decodable {
            let line: Int
            let code: String
            let detail: String
        }

        let lines: Int
        let imported: Int
        let present: Int
        /// A service that cannot restore does not say.
        let restored: Int?
        let thinned: Int
        let rejected: [Rejection]
    }

    let input: ImportInput
    let service: ServiceConnection
    let lineBytesMax: Int

    /// Imports the file; one that cannot be read is reported, so that the others go on.
    ///
    /// - Throws: ``CommandFailure`` when the service does not take the events.
    func run(_ progress: inout Progress) async throws -> ImportReport {
        var report = ImportReport(name: input.name)
        do {
            var reader = try LineReader(input.open(), lineBytesMax: lineBytesMax)
            defer { reader.close() }
            while let piece = try reader.next() {
                switch piece {
                case .lines(let lines):
                    try await send(lines, &report, progress)
                    progress.advance(by: lines.bytes.count)
                case .tooLong(let line, let bytes):
                    let error = ImportError.tooLong(bytesMax: lineBytesMax)
                    say(line, error.detail, error.code, progress)
                    report.lines += 1
                    report.rejected += 1
                    progress.advance(by: bytes)
                }
            }
        } catch let failure as PrivateFile.Failure {
            progress.interrupt("orgloop-queue: \(failure.message)")
            report.failure = failure.message
        }
        return report
    }

    private func send(_ piece: LineReader.Lines, _ report: inout ImportReport, _ progress: Progress)
        async throws
    {
        let answer = try await answer(to: piece, progress)
        report.lines += answer.lines
        report.imported += answer.imported
        report.present += answer.present
        report.restored += answer.restored ?? 0
        report.thinned += answer.thinned
        for rejection in answer.rejected {
            say(piece.firstLine + rejection.line - 1, rejection.detail, rejection.code, progress)
        }
        report.rejected += answer.rejected.count
    }

    private func answer(to piece: LineReader.Lines, _ progress: Progress) async throws -> Answer {
        do {
            return try await service.importLines(piece.bytes).decoded()
        } catch let failure as CommandFailure {
            progress.end()
            throw CommandFailure(
                message: "\(input.name):\(piece.firstLine): \(failure.message)",
                mend: failure.mend + " What stands before this line is imported; run the same command again.")
        }
    }

    private func say(_ line: Int, _ detail: String, _ code: String, _ progress: Progress) {
        progress.interrupt("\(input.name):\(line): \(detail) (\(code))")
    }
}
