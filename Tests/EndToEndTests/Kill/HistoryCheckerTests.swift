import Testing

/// The checker of the kill test can fail: each fault, put into a clean history, is found and named.
@Suite struct HistoryCheckerTests {
    @Test func `a clean history has no fault, nor has an event that was stored but never acknowledged`() {
        #expect(Self.verdict { _ in } == HistoryChecker.Verdict())
    }

    @Test func `a batch that came again and was saved only then is no fault`() {
        let verdict = Self.verdict { $0.batches[0] = Self.batch(nil, "c1", 1...2, isSaved: false) }
        #expect(verdict.lost == ["id1", "id2"])
        let repaired = Self.verdict {
            $0.batches[0] = Self.batch(nil, "c1", 1...2, isSaved: false)
            $0.batches.insert(Self.batch(nil, "c1", 1...2, isResent: true), at: 1)
        }
        #expect(repaired == HistoryChecker.Verdict())
    }

    @Test func `an acknowledged event that was never handed over is lost`() {
        let verdict = Self.verdict { $0.batches.removeLast() }
        #expect(verdict == HistoryChecker.Verdict(lost: ["id3"]))
    }

    @Test func `an acknowledged event that is not even in the database is lost`() {
        let verdict = Self.verdict {
            $0.rows.remove(at: 2)
            $0.batches[1] = Self.batch("c1", "c2", 4...4)
        }
        #expect(verdict == HistoryChecker.Verdict(lost: ["id3"]))
    }

    @Test func `an event that nobody sent is unexpected`() {
        let verdict = Self.verdict {
            $0.rows.append(Self.row(5))
            $0.batches.append(Self.batch("c2", "c3", 5...5))
        }
        #expect(verdict == HistoryChecker.Verdict(unexpected: ["id5"]))
    }

    @Test func `an event that was handed over and is not in the database is unexpected`() {
        let verdict = Self.verdict {
            $0.sent.insert("key5")
            $0.batches.append(Self.batch("c2", "c3", 5...5))
        }
        #expect(verdict.unexpected == ["id5"])
    }

    @Test func `an event in two saved batches is duplicated`() {
        let verdict = Self.verdict { $0.batches.append(Self.batch("c2", "c3", 4...4)) }
        #expect(verdict == HistoryChecker.Verdict(duplicated: ["id4"]))
    }

    @Test func `a key that was acknowledged with two ids is duplicated`() {
        let verdict = Self.verdict { $0.acknowledgements.append(.init(key: "key1", id: "id2")) }
        #expect(verdict == HistoryChecker.Verdict(duplicated: ["key1"]))
    }

    @Test func `a key that was stored under two ids is duplicated`() {
        let verdict = Self.verdict { $0.rows.append(.init(key: "key1", id: "other", envelope: "")) }
        #expect(verdict == HistoryChecker.Verdict(duplicated: ["key1"]))
    }

    @Test func `events that were not handed over by seq are reordered, within a batch and across`() {
        let across = Self.verdict {
            $0.batches = [Self.batch(nil, "c1", 3...4), Self.batch("c1", "c2", 1...2)]
        }
        #expect(across == HistoryChecker.Verdict(reordered: ["id1", "id2"]))
        let within = Self.verdict { $0.rows.swapAt(2, 3) }
        #expect(within.reordered == ["id4"])
    }

    @Test func `a batch that came again with other events is changed`() {
        let verdict = Self.verdict {
            $0.batches[0] = Self.batch(nil, "c1", 1...1, isSaved: false)
            $0.batches.insert(Self.batch(nil, "c1", 1...2, isResent: true), at: 1)
        }
        #expect(verdict == HistoryChecker.Verdict(changed: ["c1"]))
    }

    @Test func `a batch that came again under another checkpoint is changed`() {
        let verdict = Self.verdict {
            $0.batches[0] = Self.batch(nil, "c0", 1...2, isSaved: false)
            $0.batches.insert(Self.batch(nil, "c1", 1...2, isResent: true), at: 1)
        }
        #expect(verdict == HistoryChecker.Verdict(changed: ["c1"]))
    }

    @Test func `a batch that came again and was called new is changed`() {
        let verdict = Self.verdict {
            $0.batches[0] = Self.batch(nil, "c1", 1...2, isSaved: false)
            $0.batches.insert(Self.batch(nil, "c1", 1...2), at: 1)
        }
        #expect(verdict == HistoryChecker.Verdict(changed: ["c1"]))
    }

    @Test func `two batches under one checkpoint are changed`() {
        let verdict = Self.verdict { $0.batches[1] = Self.batch("c1", "c1", 3...4) }
        #expect(verdict == HistoryChecker.Verdict(changed: ["c1"]))
    }

    @Test func `an envelope that differs from the stored one by a byte is changed`() {
        let verdict = Self.verdict { $0.rows[3] = .init(key: "key4", id: "id4", envelope: "{4 }") }
        #expect(verdict == HistoryChecker.Verdict(changed: ["c2"]))
    }

    // MARK: Helpers

    /// Four events in two batches; the last one was stored, but its sender never got an answer.
    private static func verdict(
        _ fault: (inout HandoverHistory) -> Void
    ) -> HistoryChecker.Verdict {
        var history = HandoverHistory()
        history.sent = Set((1...4).map { "key\($0)" })
        history.acknowledgements = (1...3).map { .init(key: "key\($0)", id: "id\($0)") }
        history.rows = (1...4).map(row)
        history.batches = [batch(nil, "c1", 1...2), batch("c1", "c2", 3...4)]
        fault(&history)
        return HistoryChecker.verdict(on: history)
    }

    private static func row(_ number: Int) -> HandoverHistory.Row {
        .init(key: "key\(number)", id: "id\(number)", envelope: "{\(number)}")
    }

    private static func batch(
        _ presented: String?, _ checkpoint: String, _ numbers: ClosedRange<Int>, isResent: Bool = false,
        isSaved: Bool = true
    ) -> HandoverHistory.Batch {
        .init(
            presented: presented, checkpoint: checkpoint,
            events: numbers.map { .init(key: "key\($0)", id: "id\($0)") },
            text: "[" + numbers.map { "{\($0)}" }.joined(separator: ",") + "]", isResent: isResent,
            isSaved: isSaved)
    }
}
