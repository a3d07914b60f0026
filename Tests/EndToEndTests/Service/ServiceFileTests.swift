import Foundation
import Testing

@testable import OrgLoopQueueCommand

/// The service files with the paths of a machine in them.
@Suite struct ServiceFileTests {
    @Test func `the system's unit keeps the sandbox shut for a database in its own place`() {
        let unit = SystemdUnit(Self.plan()).text
        #expect(unit.contains("\nStateDirectory=orgloop-queue\nStateDirectoryMode=0700\n"))
        #expect(unit.contains("\nProtectHome=yes\n"))
        #expect(unit.contains("\nUser=orgloop-queue\n"))
        #expect(!unit.contains("\nGroup="))
        #expect(!unit.contains("ReadWritePaths"))
        #expect(unit.contains("\nExecStart=/usr/bin/orgloop-queue serve --database /var/lib/orgloop-queue/queue.db\n"))
    }

    @Test func `a database elsewhere opens just its directory`() {
        let unit = SystemdUnit(Self.plan(database: "/home/me/my queue/q.db", token: "/srv/t/token")).text
        #expect(!unit.contains("StateDirectory"))
        #expect(unit.contains("\nProtectHome=read-only\nReadWritePaths=\"/home/me/my queue\" /srv/t\n"))
        let place = "--database \"/home/me/my queue/q.db\" --token-file /srv/t/token\n"
        #expect(unit.contains("\nExecStart=/usr/bin/orgloop-queue serve " + place))
        #expect(unit.contains("\nExecReload=/usr/bin/orgloop-queue config reload " + place))
    }

    @Test func `an old buffer below /tmp stays visible although /tmp is another one`() {
        let unit = SystemdUnit(Self.plan(buffers: ["/tmp/orgloop-claude-code", "/srv/buffer"])).text
        #expect(unit.contains("\nPrivateTmp=yes\nBindReadOnlyPaths=-/tmp/orgloop-claude-code\n"))
    }

    @Test func `a file with a secret stays visible wherever it lies`() {
        #expect(SystemdUnit(Self.plan(secrets: ["/etc/secret"])).text.contains("\nProtectHome=yes\n"))
        let unit = SystemdUnit(Self.plan(secrets: ["/home/me/secret", "/tmp/secret"])).text
        #expect(unit.contains("\nProtectHome=read-only\n"))
        #expect(unit.contains("\nBindReadOnlyPaths=-/tmp/secret\n"))
    }

    @Test func `a user's unit has nothing that a user's manager cannot do`() {
        let unit = SystemdUnit(Self.plan(.user, database: "/home/me/q.db")).text
        for key in [
            "User", "Group", "StateDirectory", "CapabilityBoundingSet", "ProtectSystem", "ProtectHome", "PrivateTmp",
            "PrivateDevices", "ProtectKernelModules", "ReadWritePaths", "ProtectClock",
        ] {
            #expect(!unit.contains("\n\(key)="), "\(key)")
        }
        for line in ["NoNewPrivileges=yes", "SystemCallFilter=@system-service", "Type=notify", "NotifyAccess=main"] {
            #expect(unit.contains("\n\(line)\n"))
        }
    }

    @Test(arguments: [
        ("/a/b-c_d.e", "/a/b-c_d.e"), ("50%", "50%%"), ("a b", "\"a b\""), ("a\"b", "\"a\\\"b\""),
        ("a\\b", "\"a\\\\b\""), ("a;b", "\"a;b\""), ("", "\"\""), ("ü", "ü"), ("a'b", "\"a'b\""),
    ])
    func `a word is written as systemd reads it`(_ word: String, _ escaped: String) {
        #expect(SystemdUnit.quoted(word) == escaped)
    }

    @Test func `a dollar is doubled in arguments and not in the program's path`() {
        #expect(SystemdUnit.commandLine(["/a$b", "$c d"]) == "/a$b \"$$c d\"")
    }

    @Test(arguments: [ServiceScope.user, .system])
    func `the property list is one, with the words as they are`(_ scope: ServiceScope) throws {
        let plan = Self.plan(scope, database: "/Users/me/A & B <c>/q.db")
        let text = LaunchdList.text(plan, log: "/Users/me/Library/Logs/a&b.log")
        let list = try PropertyListSerialization.propertyList(from: Data(text.utf8), format: nil)
        let members = try #require(list as? [String: Any])
        #expect(members["Label"] as? String == LaunchdList.label)
        #expect(members["ProgramArguments"] as? [String] == plan.words)
        #expect(members["StandardErrorPath"] as? String == "/Users/me/Library/Logs/a&b.log")
        #expect(members["UserName"] as? String == plan.account)
        #expect(members["Umask"] as? Int == 0o077)
        #expect((members["KeepAlive"] as? [String: Bool]) == ["SuccessfulExit": false])
    }

    @Test func `an environment file is read as systemd reads it`() {
        let text = "# a\n; b\nA=1\n B = two words \nC=\"x y\"\nD='z'\nE=\nnothing\nF=a=b\n"
        #expect(
            EnvironmentFile.parse(text) == ["A": "1", "B": "two words", "C": "x y", "D": "z", "E": "", "F": "a=b"])
    }

    private static func plan(
        _ scope: ServiceScope = .system, database: String = "/var/lib/orgloop-queue/queue.db", token: String? = nil,
        buffers: [String] = [], secrets: [String] = []
    ) -> ServicePlan {
        ServicePlan(
            scope: scope, program: "/usr/bin/orgloop-queue", configurationFile: nil, database: database,
            tokenFile: token ?? ConfigurationLoader.directory(of: database) + "/token", listen: nil,
            bufferDirectories: buffers, secretFiles: secrets, account: scope == .system ? "orgloop-queue" : nil)
    }
}
