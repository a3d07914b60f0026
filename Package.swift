// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
    name: "orgloop-queue",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "orgloop-queue", targets: ["OrgLoopQueueCommand"])
    ],
    dependencies: [
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The domain: values, rules, pure functions and the `EventStore` contract. No I/O.
        .target(name: "EventQueue", dependencies: [crypto], swiftSettings: strict),
        // The numbered .sql files, embedded in the binary so that it can be copied anywhere.
        .target(
            name: "EventQueueMigrations",
            path: "Migrations",
            resources: [
                .embedInCode("0001_initial.sql"), .embedInCode("0002_operating.sql"),
                .embedInCode("0003_buffers.sql"), .embedInCode("0004_quarantine_orders.sql"),
                .embedInCode("0005_secrets.sql"), .embedInCode("0006_cheap_checks.sql"),
            ],
            swiftSettings: strict
        ),
        // The module that an OrgLoop engine imports, embedded like the migrations.
        .target(
            name: "OrgLoopConnector",
            resources: [.embedInCode("orgloop-queue.mjs")],
            swiftSettings: strict
        ),
        // The files for systemd and launchd, embedded in the binary.
        .target(
            name: "EventQueueServiceFiles",
            path: "config",
            exclude: [
                "bootstrap", "orgloop-queue.yaml", "alerts.yaml", "grafana-dashboard.json", "nginx.conf",
            ],
            resources: [
                .embedInCode("orgloop-queue.service"), .embedInCode("orgloop-queue-user.service"),
                .embedInCode("com.orgloop.queue.plist"),
            ],
            swiftSettings: strict
        ),
        // Functions of C that Swift does not see.
        .target(name: "EventQueueShims"),
        // The SQLite engine; the only importer of GRDB.
        .target(
            name: "EventQueueSQLite",
            dependencies: [
                "EventQueue", "EventQueueMigrations", "EventQueueShims", crypto, logging,
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: strict
        ),
        // Receiver, consumer API, health; the only importer of Hummingbird.
        .target(
            name: "EventQueueHTTP",
            dependencies: [
                "EventQueue", crypto, logging,
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        // The composition root and the subcommands.
        .executableTarget(
            name: "OrgLoopQueueCommand",
            dependencies: [
                "EventQueue", "EventQueueHTTP", "EventQueueMigrations", "EventQueueServiceFiles", "EventQueueSQLite",
                "OrgLoopConnector", crypto, logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            // The receiver that `bench compare` measures against, embedded so that the binary can be copied anywhere.
            resources: [.embedInCode("Bench/Peers/receiver.mjs")],
            swiftSettings: strict
        ),
        // The promises that every `EventStore` keeps; an engine's tests run them against itself.
        .target(
            name: "EventQueueConformance",
            dependencies: ["EventQueue"],
            path: "Tests/EventQueueConformance",
            swiftSettings: strict
        ),
        // What the tests of the real binary share: how they start it, and the checker of what it handed over.
        .target(
            name: "EndToEndSupport",
            dependencies: ["EventQueueHTTP"],
            path: "Tests/EndToEndSupport",
            swiftSettings: strict
        ),
        .testTarget(name: "EventQueueTests", dependencies: ["EventQueue"], swiftSettings: strict),
        .testTarget(
            name: "EventQueueSQLiteTests",
            dependencies: [
                "EventQueueConformance", "EventQueueMigrations", "EventQueueSQLite", logging,
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "EventQueueHTTPTests",
            dependencies: [
                "EventQueue", "EventQueueHTTP", "EventQueueSQLite", crypto, logging,
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "EndToEndSupport", "EventQueue", "EventQueueHTTP", "EventQueueSQLite", "OrgLoopConnector",
                "OrgLoopQueueCommand", logging,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            // Programs in JavaScript that tests start where they stand.
            exclude: [
                "Connector/engine.mjs", "Connector/proxy.mjs", "Connector/connector.test.mjs", "Fuzz/Corpus",
                "Fuzz/judge.mjs",
            ],
            swiftSettings: strict
        ),
        // Peers that break the rules or stall, by the hundred, and work that lasts long.
        .testTarget(
            name: "AttackTests",
            dependencies: ["EndToEndSupport", "EventQueueHTTP", "OrgLoopQueueCommand"],
            swiftSettings: strict
        ),
        // Faults of the disk, the kernel and the power, with the real binary.
        .testTarget(
            name: "TortureTests",
            dependencies: ["EndToEndSupport", "EventQueueHTTP", "OrgLoopQueueCommand"],
            swiftSettings: strict
        ),
    ],
    swiftLanguageModes: [.v6]
)

// Benchmarks of the hot path, and the program that a profiler runs. Opened by an environment variable, so that
// nobody fetches the benchmark package to build the service; see Tests/Benchmarks.
if Context.environment["ORGLOOP_QUEUE_BENCHMARKS"] != nil {
    package.dependencies.append(
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []))
    package.targets += [
        .target(
            name: "HotPath",
            dependencies: ["EventQueue", "EventQueueSQLite", logging],
            path: "Tests/Benchmarks/Support/HotPath",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "HotPathRun",
            dependencies: ["EventQueue", "HotPath"],
            path: "Tests/Benchmarks/Support/HotPathRun",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "QueueBenchmarks",
            dependencies: ["EventQueue", "HotPath", .product(name: "Benchmark", package: "benchmark")],
            path: "Tests/Benchmarks/QueueBenchmarks",
            swiftSettings: strict,
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
        ),
    ]
}
