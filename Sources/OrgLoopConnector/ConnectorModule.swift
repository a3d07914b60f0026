/// The OrgLoop connector and its outcome logger: one module of JavaScript that a project's engine imports.
package enum ConnectorModule {
    /// What it is called in a project. A source or logger that names a path with this end is ours.
    package static let fileName = "orgloop-queue.mjs"
    /// The whole file.
    package static let content: [UInt8] = PackageResources.orgloop_queue_mjs

    private static let header = "// orgloop-queue connector, version "

    /// The version in the first line of `content`; `nil` when it is another file.
    package static func version(of content: [UInt8]) -> Int? {
        let line = String(decoding: content.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        guard line.hasPrefix(header) else { return nil }
        return Int(line.dropFirst(header.count).prefix { $0.isASCII && $0.isNumber })
    }
}
