import EventQueue

/// Insertion and removal; nothing else of the text changes, and a removal undoes an insertion byte for byte.
extension SettingsText {
    /// The text with `entry` once under each of `events` and ours nowhere else.
    ///
    /// - Throws: ``Problem`` when something else stands where it has to go.
    func installing(
        _ entry: HookEntry, on events: [HookEvent], _ recogniser: HookRecogniser
    ) throws(Problem) -> SettingsText {
        var text = self
        let wanted = events.map(\.rawValue)
        func superfluous(_ ours: [Hook]) -> Hook? {
            ours.enumerated().first { index, hook in
                !wanted.contains(hook.event) || ours[..<index].contains { $0.event == hook.event }
            }?.element
        }
        while let hook = superfluous(text.ours(recogniser)) { text = try text.removing(hook) }
        for event in wanted {
            guard let hook = text.ours(recogniser).first(where: { $0.event == event }) else {
                text = try text.adding(entry, to: event)
                continue
            }
            if !text.says(hook, entry) { text = try text.replacing(hook, with: entry) }
        }
        return text
    }

    /// The text without our hooks, and without what only they kept from being empty.
    func uninstalling(_ recogniser: HookRecogniser) throws(Problem) -> SettingsText {
        var text = self
        while let hook = text.ours(recogniser).first { text = try text.removing(hook) }
        return text
    }

    /// Our hooks in the order of the text.
    func ours(_ recogniser: HookRecogniser) -> [Hook] { hooks.filter { recogniser.origin(of: $0).isOurs } }

    // MARK: Insertion

    private func adding(_ entry: HookEntry, to event: String) throws(Problem) -> SettingsText {
        guard let hooks = json["hooks"] else {
            let tree = JSONTree.object([(event, .array([entry.group]))])
            return try inserting(tree, named: "hooks", into: json.root, after: spans(json.root))
        }
        guard hooks.kind == .object else {
            throw problem(at: hooks.range.lowerBound, "`hooks` is not an object")
        }
        guard let groups = member(event, of: hooks) else {
            return try inserting(.array([entry.group]), named: event, into: hooks, after: spans(hooks))
        }
        guard groups.kind == .array else {
            throw problem(at: groups.range.lowerBound, "`hooks.\(event)` is not an array")
        }
        return try inserting(entry.group, named: nil, into: groups, after: spans(groups))
    }

    /// Puts `tree` behind the last of `items`, or between the brackets when there are none.
    private func inserting(
        _ tree: JSONTree, named name: String?, into container: JSONText.Value, after items: [Range<Int>]
    ) throws(Problem) -> SettingsText {
        let layout = layout(in: container, items)
        let item = (name.map { JSONOutput.quoted($0) + layout.colon } ?? "") + tree.text(layout)
        if let last = items.last {
            return try replacing(last.upperBound..<last.upperBound, with: "," + layout.separator + item)
        }
        let end = (layout.newline ?? "") + (layout.newline == nil ? "" : lineIndent(at: container.range.lowerBound))
        let inside = container.range.lowerBound + 1..<container.range.upperBound - 1
        return try replacing(inside, with: layout.break + item + end)
    }

    private func replacing(_ hook: Hook, with entry: HookEntry) throws(Problem) -> SettingsText {
        let layout = layout(in: hook.place.list, spans(hook.place.list))
        return try replacing(hook.value.range, with: entry.tree.text(layout))
    }

    /// Whether a hook says what `entry` says; spaces between its tokens do not count.
    private func says(_ hook: Hook, _ entry: HookEntry) -> Bool {
        let compact = JSONLayout(newline: nil, indent: "", unit: "", space: "")
        // The scanner that cuts out elements leaves white space out.
        let array = Array("{\"x\":[".utf8) + json.raw(hook.value) + Array("]}".utf8)
        return JSONOutput.elements(of: "x", in: array) == [Array(entry.tree.text(compact).utf8)]
    }

    // MARK: Removal

    /// Removes a hook with the outermost container that it alone keeps from being empty.
    private func removing(_ hook: Hook) throws(Problem) -> SettingsText {
        let place = hook.place
        let list = spans(place.list)
        if list.count > 1 { return try removing(place.index, of: list) }
        let groups = spans(place.groups)
        if groups.count > 1 { return try removing(place.groupIndex, of: groups) }
        guard let hooks = json["hooks"] else { preconditionFailure("a hook stands in `hooks`") }
        let events = spans(hooks)
        if let index = events.firstIndex(where: { $0.upperBound == place.groups.range.upperBound }), events.count > 1 {
            return try removing(index, of: events)
        }
        let members = spans(json.root)
        if let index = members.firstIndex(where: { $0.upperBound == hooks.range.upperBound }), members.count > 1 {
            return try removing(index, of: members)
        }
        return try replacing(json.root.range.lowerBound + 1..<json.root.range.upperBound - 1, with: "")
    }

    /// Removes one of several items with the comma that is too many then.
    private func removing(_ index: Int, of items: [Range<Int>]) throws(Problem) -> SettingsText {
        let range =
            index > 0
            ? items[index - 1].upperBound..<items[index].upperBound : items[0].lowerBound..<items[1].lowerBound
        return try replacing(range, with: "")
    }

    private func replacing(_ range: Range<Int>, with text: String) throws(Problem) -> SettingsText {
        try SettingsText(Array(bytes[..<range.lowerBound]) + Array(text.utf8) + bytes[range.upperBound...])
    }

    // MARK: Layout

    /// The places of a container's elements, or of its members with their names.
    private func spans(_ container: JSONText.Value) -> [Range<Int>] {
        container.kind == .array
            ? json.elements(of: container).map(\.range)
            : json.members(of: container).map { $0.name.lowerBound - 1..<$0.value.range.upperBound }
    }

    /// How the items of a container are laid out, or would be if it had some.
    private func layout(in container: JSONText.Value, _ items: [Range<Int>]) -> JSONLayout {
        let outermost = spans(json.root)
        let lines = outermost.first.map { newline(in: json.root.range.lowerBound + 1..<$0.lowerBound) }
        let step = outermost.first.map { lineIndent(at: $0.lowerBound) } ?? ""
        // A tab, two or four spaces: whatever the outermost members are indented by.
        let unit = lines == .some(nil) || step.isEmpty ? "  " : step
        guard let first = items.first else {
            // Without members there is no style to follow: that of Claude Code itself.
            let newline = lines ?? (newline(in: bytes.indices) ?? "\n")
            let indent = lineIndent(at: container.range.lowerBound) + unit
            return JSONLayout(newline: newline, indent: indent, unit: unit, space: space)
        }
        return JSONLayout(
            newline: newline(in: container.range.lowerBound + 1..<first.lowerBound),
            indent: lineIndent(at: first.lowerBound), unit: unit, space: space)
    }

    /// What follows a colon in this text.
    private var space: String {
        guard let member = json.members.first else { return " " }
        return bytes[member.value.range.lowerBound - 1] == 0x20 ? " " : ""
    }

    /// The line end in a range of the text; `nil` when it has none.
    private func newline(in range: Range<Int>) -> String? {
        guard let end = bytes[range].firstIndex(of: 0x0A) else { return nil }
        return end > range.lowerBound && bytes[end - 1] == 0x0D ? "\r\n" : "\n"
    }

    /// The white space at the start of the line that has this place.
    private func lineIndent(at offset: Int) -> String {
        let start = bytes[..<offset].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return String(decoding: bytes[start...].prefix { $0 == 0x20 || $0 == 0x09 }, as: UTF8.self)
    }
}

extension HookRecogniser {
    /// Whose hook it is.
    func origin(of hook: SettingsText.Hook) -> HookOrigin {
        origin(command: hook.command, arguments: hook.arguments, target: hook.target)
    }

    /// Whether it sends to the queue: ours, alone or within a command of the user's own, OrgLoop's own at our port,
    /// or one that calls the service in its own way.
    func isSentHere(_ hook: SettingsText.Hook) -> Bool {
        switch origin(of: hook) {
        case .command, .http, .wrapped: true
        case .orgLoop(let port): port == self.port
        case .foreign: isNamed(in: hook.text)
        }
    }
}
