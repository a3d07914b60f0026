import EventQueue
import Foundation
import HotPath

// Runs one step of the hot path so often, for a profiler and for figures of a whole run:
//
//     HotPathRun receive 10000
//     HotPathRun store 64000 64        64 callers in closed loops, whose appends share commits
//     valgrind --tool=callgrind --toggle-collect='*8measured*' HotPathRun receive 10000
//
// The steps run on one thread inside `measured`. The store has a thread of its own: there the difference of two
// counts is what a row costs.

@inline(never)
func measured(_ path: HotPath, _ step: HotPath.Step) throws -> Int { try path.run(step) }

/// Seconds of this process on all processors, in user and system mode.
func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func report(_ count: Int, _ began: ContinuousClock.Instant, _ processorBegan: Double) {
    let elapsed = began.duration(to: .now) / .seconds(1)
    let processor = processorSeconds() - processorBegan
    func microseconds(_ seconds: Double) -> String { String(format: "%.2f", seconds / Double(count) * 1e6) }
    print(
        "\(count) in \(String(format: "%.2f", elapsed)) s: \(Int(Double(count) / elapsed))/s,",
        "\(microseconds(elapsed)) µs each, \(microseconds(processor)) µs of processor each")
}

/// Runs `body` while the first thread waits: were it given to libdispatch, Valgrind would not survive it.
///
/// Ends the process when `body` fails.
func waiting(_ body: @escaping @Sendable () async throws -> Void) {
    let done = DispatchSemaphore(value: 0)
    Task.detached {
        do {
            try await body()
        } catch {
            FileHandle.standardError.write(Data("HotPathRun: \(error)\n".utf8))
            exit(1)
        }
        done.signal()
    }
    done.wait()
}

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count >= 2, let count = Int(arguments[1]) else {
    FileHandle.standardError.write(Data("usage: HotPathRun STEP COUNT [CALLERS]\n".utf8))
    exit(2)
}
let path = try HotPath(count: count)
if let step = HotPath.Step(rawValue: arguments[0]) {
    let (began, processorBegan) = (ContinuousClock.now, processorSeconds())
    _ = try measured(path, step)
    report(count, began, processorBegan)
} else {
    let callers = arguments.count > 2 ? Int(arguments[2]) ?? 64 : 64
    let events = try path.events()
    waiting {
        let store = try await ScratchStore()
        let (began, processorBegan) = (ContinuousClock.now, processorSeconds())
        try await store.append(events, byCallers: callers)
        report(events.count, began, processorBegan)
        try await store.remove()
    }
}
