import Foundation
import Testing

/// Everything that reads bytes from outside, fed with broken ones for a second each.
///
/// `./config/bootstrap fuzz 600` takes longer. `ORGLOOP_QUEUE_FUZZ_SEED` repeats a run,
/// `ORGLOOP_QUEUE_FUZZ_INPUT=FILE` reads one input.
@Suite(.serialized, .aFewAtATime) struct FuzzTests {
    @Test func `the JSON validator says what a slow reference says`() async throws {
        let status = await #expect(processExitsWith: .success) { try FuzzLoop<JSONSubject>().run() }
        try Self.tell(JSONSubject.self, passed: status != nil)
    }

    @Test func `no signature scheme believes what its secret did not make`() async throws {
        let status = await #expect(processExitsWith: .success) { try FuzzLoop<RequestSubject>().run() }
        try Self.tell(RequestSubject.self, passed: status != nil)
    }

    @Test func `an imported line is an event or a reason`() async throws {
        let status = await #expect(processExitsWith: .success) { try FuzzLoop<ImportSubject>().run() }
        try Self.tell(ImportSubject.self, passed: status != nil)
    }

    @Test func `a spool file is a request that can be written again, or damage`() async throws {
        let status = await #expect(processExitsWith: .success) { try FuzzLoop<SpoolSubject>().run() }
        try Self.tell(SpoolSubject.self, passed: status != nil)
    }

    @Test func `a configuration file is a configuration or has a problem`() async throws {
        let status = await #expect(processExitsWith: .success) { try FuzzLoop<ConfigurationSubject>().run() }
        try Self.tell(ConfigurationSubject.self, passed: status != nil)
    }

    @Test func `a request of any kind is an event in a whole envelope, or a reason`() async throws {
        let status = await #expect(processExitsWith: .success) { try FuzzLoop<KindSubject>().run() }
        try Self.tell(KindSubject.self, passed: status != nil)
    }

    @Test func `the gate lets in what a list of the allowed spellings has`() async throws {
        let status = await #expect(processExitsWith: .success) { try FuzzLoop<GateSubject>().run() }
        try Self.tell(GateSubject.self, passed: status != nil)
    }

    @Test func `no spelling of a path leads past the token`() async throws {
        let status = await #expect(processExitsWith: .success) { try FuzzLoop<RouteSubject>().run() }
        try Self.tell(RouteSubject.self, passed: status != nil)
    }

    @Test func `a token is presented by its own header alone`() async throws {
        let status = await #expect(processExitsWith: .success) { try FuzzLoop<TokenSubject>().run() }
        try Self.tell(TokenSubject.self, passed: status != nil)
    }

    @Test func `a call is read from a JSON object, or refused without a value in the message`() async throws {
        let status = await #expect(processExitsWith: .success) { try FuzzLoop<CallSubject>().run() }
        try Self.tell(CallSubject.self, passed: status != nil)
    }

    @Test func `a checkpoint is read from what was printed, and from nothing else`() async throws {
        let status = await #expect(processExitsWith: .success) { try FuzzLoop<CheckpointSubject>().run() }
        try Self.tell(CheckpointSubject.self, passed: status != nil)
    }

    /// Prints the seed, and for a finding what to do with it.
    private static func tell<Subject: FuzzSubject>(_ subject: Subject.Type, passed: Bool) throws {
        let place = try FuzzPlace(name: subject.corpus)
        print("fuzz \(place.name): \(place.lastReport)")
        guard !passed || !place.lastReport.hasSuffix("passed") else { return }
        Issue.record(
            """
            \(place.name): \(place.lastReport); the input is in \(place.input). Read it again with \
            ORGLOOP_QUEUE_FUZZ_INPUT in front, keep it in Corpus/\(place.name) once it is mended
            """)
    }
}
