import Foundation

/// The article "Auditing with sqlite3", read so that what it shows is what is tested and measured.
enum AuditArticle {
    /// A question with its SQL and the columns of the answer that the article shows.
    struct Question: Sendable, CustomStringConvertible {
        let description: String
        let sql: String
        let columns: [String]

        /// The SQL, asked about this event and this time instead of those of the article.
        func sql(event: String, since: String) -> String {
            sql.replacing(#/'evt_[0-9a-f]+'/#, with: "'\(event)'")
                .replacing(#/'[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z'/#, with: "'\(since)'")
        }
    }

    /// Every numbered heading with its block of SQL and the block of output behind it.
    static func questions() throws -> [Question] {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Sources/EventQueueSQLite/EventQueueSQLite.docc/AuditingWithSqlite3.md")
        let sections = try String(contentsOf: path, encoding: .utf8).split(separator: "\n### ").dropFirst()
        return sections.compactMap { section in
            let blocks = section.split(separator: "```")
            guard blocks.count >= 4, blocks[1].hasPrefix("sql\n"),
                let head = blocks[3].split(separator: "\n").first(where: { !$0.hasPrefix("text") })
            else { return nil }
            return Question(
                description: String(section.prefix { $0 != "\n" }), sql: String(blocks[1].dropFirst(4)),
                columns: head.split(separator: " ").map(String.init))
        }
    }
}
