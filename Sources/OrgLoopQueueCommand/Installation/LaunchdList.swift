import EventQueueServiceFiles

/// The property list of `config/` with the real paths in it (launchd.plist(5)).
enum LaunchdList {
    static let label = "com.orgloop.queue"

    /// The file for `plan`; `log` is where standard error goes, because launchd keeps none.
    static func text(_ plan: ServicePlan, log: String) -> String {
        let words = plan.words.map { "        <string>\(escaped($0))</string>\n" }.joined()
        let account = plan.account.map { "    <key>UserName</key>\n    <string>\(escaped($0))</string>\n" } ?? ""
        return ServiceFiles.launchdList
            .replacing(
                """
                        <string>/usr/local/bin/orgloop-queue</string>
                        <string>serve</string>

                """, with: words
            )
            .replacing("/usr/local/var/log/orgloop-queue.log", with: escaped(log))
            .replacing("</dict>\n</plist>", with: account + "</dict>\n</plist>")
    }

    /// Text between tags.
    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
