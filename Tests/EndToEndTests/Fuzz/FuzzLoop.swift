import Foundation

/// Feeds one subject with mutated inputs until its time is over or something breaks.
///
/// It runs in a process of its own, because a trap ends the process: the input that did it is in a file by
/// then, and a report beside it names the seed.
struct FuzzLoop<Subject: FuzzSubject> {
    /// Where inputs and reports are left; in the build directory, so that they survive the test.
    let place: FuzzPlace

    init() throws { place = try FuzzPlace(name: Subject.corpus) }

    /// Returns after the seconds in `ORGLOOP_QUEUE_FUZZ_SECONDS` (``FuzzPlace/secondsDefault`` unless it is set); ends the process with
    /// a report for the first finding.
    func run() throws {
        let seed = FuzzPlace.variable("SEED").flatMap { UInt64($0) } ?? UInt64.random(in: 1...UInt64.max)
        let random = SeededRandom(seed: seed)
        let subject = try Subject(random: random)
        let corpus = try place.corpus()
        try place.report("seed \(seed)")
        if let path = FuzzPlace.variable("INPUT") {
            try check(Array(Data(contentsOf: URL(filePath: path))), with: subject)
            return try place.report("seed \(seed), one input: passed")
        }
        let mutator = Mutator(random: random, words: Subject.words.map { Array($0.utf8) }, corpus: corpus)
        let seconds = FuzzPlace.variable("SECONDS").flatMap { Double($0) } ?? FuzzPlace.secondsDefault
        let end = ContinuousClock.now + .seconds(seconds)
        var count = 0
        for input in corpus { try check(input, with: subject) }
        repeat {
            let whole = random.happens(onceIn: 2) ? subject.generate(random) ?? mutator.sample() : mutator.sample()
            try check(random.happens(onceIn: 8) ? whole : mutator.mutated(whole), with: subject)
            count += 1
        } while ContinuousClock.now < end
        try place.report("seed \(seed), \(count) inputs and \(corpus.count) of the corpus: passed")
    }

    private func check(_ input: [UInt8], with subject: Subject) throws {
        try place.save(input)
        // The default action of this signal ends the process, with the slow input in the file.
        alarm(FuzzPlace.secondsOfInputMax)
        do {
            try subject.check(input)
        } catch {
            try place.append(String(describing: error))
            exit(EXIT_FAILURE)
        }
        alarm(0)
    }
}

/// The files of one subject's runs.
final class FuzzPlace: Sendable {
    /// Enough for some thousands of inputs of each subject, and short enough for every change.
    static let secondsDefault = 1.0
    /// An input takes microseconds; so long takes a loop that has no end, or one over every pair of bytes.
    static let secondsOfInputMax: UInt32 = 10

    let name: String
    private let descriptor: Int32

    private static let tests = URL(filePath: #filePath).deletingLastPathComponent()
    private static var directory: URL {
        tests.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: ".build/fuzz")
    }

    /// The input that was being read last.
    var input: String { Self.directory.appending(path: "\(name).input").path }
    private var reportURL: URL { Self.directory.appending(path: "\(name).report") }

    init(name: String) throws {
        self.name = name
        try FileManager.default.createDirectory(at: Self.directory, withIntermediateDirectories: true)
        let path = Self.directory.appending(path: "\(name).input").path
        descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FuzzFinding(description: "cannot write \(path)") }
    }

    deinit { close(descriptor) }

    /// A variable of the fuzzer's own.
    static func variable(_ name: String) -> String? {
        ProcessInfo.processInfo.environment["ORGLOOP_QUEUE_FUZZ_\(name)"]
    }

    /// The whole inputs of this subject, in the order of their names, so that a seed is a run.
    func corpus() throws -> [[UInt8]] {
        let folder = Self.tests.appending(path: "Corpus/\(name)")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        return try names.map { try Array(Data(contentsOf: folder.appending(path: $0))) }
    }

    /// Writes down what is about to be read.
    func save(_ bytes: [UInt8]) throws(FuzzFinding) {
        guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count, ftruncate(descriptor, off_t(bytes.count)) == 0
        else { throw FuzzFinding(description: "cannot write \(input)") }
    }

    func report(_ text: String) throws { try Data(text.utf8).write(to: reportURL) }

    func append(_ text: String) throws { try report(lastReport + ": " + text) }

    /// What the last run said about itself.
    var lastReport: String { String(decoding: (try? Data(contentsOf: reportURL)) ?? Data(), as: UTF8.self) }
}
