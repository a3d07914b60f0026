import Foundation
import Testing
import Yams

@testable import OrgLoopQueueCommand

/// The dashboard and the alert rules in `config/` ask for what the service really tells.
@Suite(.timeLimit(.minutes(5)), .aFewAtATime) struct WatchingTests {
    @Test func `the service tells what it is, and what lies in its spool`() async throws {
        let scene = try await MetricScene.play()
        let build = try #require(scene.samples["orgloop_queue_build_info"]?.first)
        #expect(build["version"] == OrgLoopQueue.version)
        #expect(build["sqlite"]?.wholeMatch(of: /3\.[0-9]+\.[0-9]+/) != nil)
        #expect(build["mode"] == "debug" || build["mode"] == "release")
        let lines = scene.text.split(separator: "\n")
        for line in [
            "spool_files 0", "spool_rejected_files 1", "ready 1", "handed_over_total{source=\"claude-code\"} 1",
        ] {
            #expect(lines.contains("orgloop_queue_\(line)"), "\(line)")
        }
        #expect(scene.text.contains("\norgloop_queue_commit_events_bucket{le=\"1\"} 1\n"))
    }

    @Test func `every alert names metrics that exist, and says what to do`() async throws {
        let scene = try await MetricScene.play()
        let rules = try Self.rules()
        #expect(rules.count >= 10)
        #expect(Set(rules.map { $0["alert"] as? String }).count == rules.count)
        for rule in rules {
            let name = try #require(rule["alert"] as? String)
            #expect(name.wholeMatch(of: /OrgLoopQueue[A-Za-z]+/) != nil)
            let expression = try #require(rule["expr"] as? String, "\(name)")
            #expect(scene.faults(of: expression) == [], "\(name)")
            #expect(expression.contains(/\s(>|<|==)\s/) || expression.hasPrefix("absent("), "\(name) is always true")
            let severity = (rule["labels"] as? [String: String])?["severity"]
            #expect(["warning", "critical"].contains(severity), "\(name)")
            let notes = try #require(rule["annotations"] as? [String: String], "\(name)")
            #expect(Set(notes.keys) == ["summary", "mend"], "\(name)")
            if let wait = rule["for"] as? String { #expect(wait.wholeMatch(of: /[0-9]+m/) != nil, "\(name)") }
            #expect(Set(rule.keys).isSubset(of: ["alert", "expr", "for", "labels", "annotations"]), "\(name)")
        }
    }

    @Test(arguments: [
        "ready", "oldest_pending_age_seconds", "in_doubt", "wal_bytes", "free_bytes", "quarantined", "disk_full",
        "over_quota", "config_last_reload_successful", "spool_rejected_files",
    ])
    func `what a person must look at raises an alert`(word: String) throws {
        #expect(try Self.rules().contains { ($0["expr"] as? String)?.contains(word) ?? false })
    }

    @Test func `every panel of the dashboard asks for metrics that exist`() async throws {
        let scene = try await MetricScene.play()
        let panels = try Self.panels()
        #expect(Set(panels.map { $0["id"] as? Int }).count == panels.count)
        var expressions: [String] = []
        for panel in panels where panel["type"] as? String != "row" {
            let title = try #require(panel["title"] as? String)
            let targets = try #require(panel["targets"] as? [[String: Any]])
            #expect(!targets.isEmpty, "\(title)")
            for target in targets {
                let expression = try #require(target["expr"] as? String, "\(title)")
                expressions.append(expression)
                #expect(scene.faults(of: expression) == [], "\(title)")
                #expect(expression.contains("instance=~\"$instance\""), "\(title) mixes services")
            }
        }
        // Whatever the service tells is on the dashboard, but for what belongs to a limit.
        for name in scene.kinds.keys where !name.hasPrefix("orgloop_queue_limit_") && name != "orgloop_queue_readers" {
            #expect(name == "orgloop_queue_store_up" || expressions.contains { $0.contains(name) }, "\(name)")
        }
    }

    @Test func `no panel of the dashboard covers another`() throws {
        var taken: Set<[Int]> = []
        for panel in try Self.panels() {
            let place = try #require(panel["gridPos"] as? [String: Int])
            let (x, y) = (place["x", default: -1], place["y", default: -1])
            let (width, height) = (place["w", default: 0], place["h", default: 0])
            #expect(x >= 0 && width > 0 && x + width <= 24 && height > 0)
            for column in x..<(x + width) {
                for line in y..<(y + height) { #expect(taken.insert([column, line]).inserted, "\(column), \(line)") }
            }
        }
    }

    private static let faulty = [
        ("orgloop_queue_nothing", "orgloop_queue_nothing does not exist"),
        ("rate(orgloop_queue_ready[5m])", "orgloop_queue_ready is no counter"),
        ("increase(orgloop_queue_settled_total)", "orgloop_queue_settled_total needs a range"),
        ("orgloop_queue_events{state=\"lost\"}", "orgloop_queue_events has no state lost"),
        ("sum by (colour) (orgloop_queue_events)", "nothing has the label colour"),
        ("sum(orgloop_queue_ready", "no expression: sum(orgloop_queue_ready"),
        ("orgloop_queue_ready{state=x}", "{state=x}"), ("quantile(1, orgloop_queue_ready)", "quantile does not exist"),
    ]

    @Test func `an expression that asks for what there is not is found out`() async throws {
        let scene = try await MetricScene.play()
        for (text, fault) in Self.faulty { #expect(scene.faults(of: text).contains(fault), "\(text)") }
    }

    // MARK: Files

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "config")

    private static func rules() throws -> [[String: Any]] {
        let text = String(decoding: try Data(contentsOf: folder.appending(path: "alerts.yaml")), as: UTF8.self)
        let document = try #require(try Yams.load(yaml: text) as? [String: Any])
        #expect(Array(document.keys) == ["groups"])
        let groups = try #require(document["groups"] as? [[String: Any]])
        return try groups.flatMap { group in
            #expect(Set(group.keys) == ["name", "rules"])
            return try #require(group["rules"] as? [[String: Any]])
        }
    }

    private static func panels() throws -> [[String: Any]] {
        let data = try Data(contentsOf: folder.appending(path: "grafana-dashboard.json"))
        let dashboard = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        return try #require(dashboard["panels"] as? [[String: Any]])
    }
}
