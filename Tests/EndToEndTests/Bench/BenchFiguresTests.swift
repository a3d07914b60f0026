import Testing

@testable import OrgLoopQueueCommand

/// Medians, ratios and tables, without a measurement.
@Suite struct BenchFiguresTests {
    @Test(arguments: [([], 0), ([3], 3), ([1, 9, 2], 2), ([4, 1, 3, 2], 2.5)] as [([Double], Double)])
    func `a median is the middle one`(_ values: [Double], _ median: Double) {
        #expect(Series(values).median == median)
    }

    @Test func `a percentile is a value that was measured`() {
        let series = Series((1...200).map(Double.init).shuffled())
        #expect(series.percentile(99) == 198)
        #expect(series.percentile(100) == 200)
        #expect(series.percentile(0) == 1)
        #expect(Series().percentile(99) == 0)
    }

    @Test func `ratios are those of one round each`() {
        let ratios = Series([10, 40, 30]).ratios(to: Series([5, 10, 0]))
        #expect(ratios == Series([2, 4]))
        #expect(ratios.median == 3)
    }

    @Test(
        arguments: [
            (0.5, "0.50 µs"), (12.34, "12.3 µs"), (999, "999 µs"), (1234, "1.23 ms"), (45_678, "45.7 ms"),
            (2_500_000, "2.50 s"), (-300, "-300 µs"),
        ] as [(Double, String)])
    func `a time has the unit that suits it`(_ microseconds: Double, _ text: String) {
        #expect(FigureText.time(microseconds: microseconds) == text)
    }

    @Test(
        arguments: [(1, "1"), (0.1234567, "0.123"), (-2.5, "-2.5"), (.nan, "null"), (.infinity, "null")]
            as [(Double, String)])
    func `a number is JSON`(_ value: Double, _ text: String) { #expect(FigureText.json(value) == text) }

    @Test func `a bound holds at its very value`() {
        #expect(Target.atLeast(2).isReached(by: 2) && !Target.atLeast(2).isReached(by: 1.99))
        #expect(Target.atMost(2).isReached(by: 2) && !Target.atMost(2).isReached(by: 2.01))
    }

    @Test func `figures have a table and an object`() {
        let report = FigureReport(
            title: "a title", circumstances: [("events", "7")],
            figures: [
                Figure("a_us", "one", 1500, .microseconds, target: .atMost(1000)), Figure("b", "other", 3, .count),
                Figure("c_bytes", "unknown", nil, .bytes, target: .atMost(1)),
            ])
        #expect(
            report.lines(colour: false) == [
                "a title", "FIGURE     VALUE     TARGET", "one      1.50 ms  ≤ 1.00 ms", "other          3          -",
                "unknown        -      ≤ 1 B",
            ])
        #expect(
            report.json
                == #"{"events":7,"a_us":1500,"b":3,"c_bytes":null,"#
                + #""targets":{"a_us":{"at_most":1000,"reached":false}}}"#)
    }

    @Test func `a run that had unexpected answers fails with the first of them`() {
        var figures = LoadFigures()
        figures.answered(after: 2000)
        figures.failed("401 no")
        figures.failed("500 later")
        let failure = #expect(throws: CommandFailure.self) { try figures.requireSuccess(of: "ingest") }
        #expect(failure?.message == "ingest: 2 unexpected answers beside 1 good ones, the first: 401 no")
    }

    @Test func `a run without an answer fails`() {
        let failure = #expect(throws: CommandFailure.self) { try LoadFigures().requireSuccess(of: "ingest") }
        #expect(failure?.message == "ingest: nothing was answered")
    }

    @Test func `a generator that had no rest is told`() {
        var figures = Self.figures(1)
        figures.busy = .milliseconds(900)
        #expect(figures.generatorWarning(of: "x") == nil)
        figures.busy = .milliseconds(950)
        #expect(figures.generatorWarning(of: "x")?.hasPrefix("x: the load generator was busy for 95 %") == true)
    }

    @Test func `a debug build and a directory in memory are told`() {
        #expect(BenchMachine(isRelease: true, cores: 2, fileSystem: "ext4").warnings.isEmpty)
        let warnings = BenchMachine(isRelease: false, cores: 2, fileSystem: "tmpfs").warnings
        #expect(warnings.count == 2 && warnings[0].contains("debug build") && warnings[1].contains("in memory"))
        let mounts = "1 2 3:4 / / rw - ext4 /dev/x rw\n1 2 3:4 / /a\\040b rw - tmpfs tmpfs rw"
        #expect(BenchMachine.fileSystem(of: "/a b/c", mounts: mounts) == "tmpfs")
        #expect(BenchMachine.fileSystem(of: "/a", mounts: mounts) == "ext4")
    }

    @Test func `runs add up`() {
        var (one, other) = (LoadFigures(), LoadFigures())
        for _ in 0..<3 { one.answered(after: 1_000_000) }
        one.elapsed = .seconds(1)
        other.answered(after: 3_000_000)
        other.elapsed = .seconds(3)
        one.add(other)
        #expect(one.answers == 4)
        #expect(one.perSecond == 1)
        #expect(abs(one.medianMicroseconds - 1000) < 2)
        #expect(abs(one.microseconds(percentile: 100) - 3000) < 4)
    }

    @Test func `a comparison has the ratio of each peer, its spread and its target`() {
        var comparison = Comparison(
            [.service, .node, .responder], leftOut: [(.redis, "redis-server")], connections: 64, rounds: 3,
            roundTime: .seconds(2))
        let cost = ServiceCost(from: Self.usage(cpuTicks: 0), to: Self.usage(cpuTicks: 10), answers: 5000)
        let unknown = ServiceCost(from: nil, to: nil, answers: 5000)
        for (own, node, bare) in [(100, 40, 200), (200, 100, 250), (150, 50, 500)] {
            comparison.add(Self.figures(own), cost, of: .service)
            comparison.add(Self.figures(node), cost, of: .node)
            comparison.add(Self.figures(bare), unknown, of: .responder)
        }
        let lines = comparison.lines(colour: false)
        #expect(lines[0] == "64 connections, 3 rounds of 2.00 s in alternation")
        #expect(lines[4].hasPrefix("orgloop-queue") && lines[4].contains("20.0 µs"))
        #expect(lines[5].contains("2.50 ×") && lines[5].contains("2.00–3.00") && lines[5].hasSuffix("≥ 2.00 ×"))
        #expect(lines[6].contains("0.50 ×") && lines[6].hasSuffix("≥ 0.60 ×") && !lines[6].contains("20.0 µs"))
        #expect(lines[7] == "left out: Redis Streams, fsync, because redis-server is not installed")
        #expect(
            comparison.json(BenchMachine(isRelease: true, cores: 2, fileSystem: nil)).contains(
                #""ratio":0.5,"ratio_min":0.3,"ratio_max":0.8,"at_least":0.6,"reached":false"#))
    }

    @Test func `what Linux tells of a process is read`() {
        let stat = "42 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20"
        let usage = ProcessUsage(stat: stat, status: "Name:\tx\nVmHWM:\t 20 kB\nVmRSS:\t 10 kB\n", ticksPerSecond: 100)
        #expect(usage?.cpuMicroseconds == 2_000_000)
        #expect(usage?.residentBytes == 10 << 10)
        #expect(usage?.residentBytesMax == 20 << 10)
        #expect(ProcessUsage(stat: "", status: "", ticksPerSecond: 100) == nil)
    }

    private static func usage(cpuTicks: Int) -> ProcessUsage? {
        ProcessUsage(
            stat: "42 (a) S 1 2 3 4 5 6 7 8 9 10 \(cpuTicks) 0 0 0 20", status: "VmHWM: 1 kB\nVmRSS: 1 kB",
            ticksPerSecond: 100)
    }

    /// A run with so many answers in a second.
    private static func figures(_ count: Int) -> LoadFigures {
        var figures = LoadFigures()
        for _ in 0..<count { figures.answered(after: 1_000_000) }
        figures.elapsed = .seconds(1)
        return figures
    }
}
