/// Columns of text that line up.
struct Table {
    enum Alignment { case leading, trailing }

    /// Styles of a cell; they show on a terminal with colour only.
    enum Style: String { case plain = "", strong = "1", good = "32", warning = "33", bad = "31" }

    struct Cell {
        let text: String
        var style = Style.plain

        init(_ text: String, _ style: Style = .plain) {
            self.text = text.printable
            self.style = style
        }
    }

    let columns: [(title: String, alignment: Alignment)]
    private(set) var rows: [[Cell]] = []

    init(_ columns: [(title: String, alignment: Alignment)]) { self.columns = columns }

    mutating func add(_ row: [Cell]) {
        precondition(row.count == columns.count, "a row has a cell for every column")
        rows.append(row)
    }

    /// The table without the columns in which no row has anything but a dash.
    func withoutEmptyColumns() -> Table {
        let kept = columns.indices.filter { column in rows.contains { $0[column].text != "-" } }
        var table = Table(kept.map { columns[$0] })
        for row in rows { table.add(kept.map { row[$0] }) }
        return table
    }

    /// One line a row, the titles first.
    func lines(colour: Bool) -> [String] {
        let all = [columns.map { Cell($0.title, .strong) }] + rows
        let widths = columns.indices.map { column in all.map { $0[column].text.count }.max() ?? 0 }
        return all.map { row in
            let cells = row.indices.map { column -> String in
                let padding = String(repeating: " ", count: widths[column] - row[column].text.count)
                let text = Self.styled(row[column], colour: colour)
                guard columns[column].alignment == .leading else { return padding + text }
                // Nothing follows the last column, so nothing pads it.
                return column == columns.count - 1 ? text : text + padding
            }
            return cells.joined(separator: "  ")
        }
    }

    private static func styled(_ cell: Cell, colour: Bool) -> String {
        guard colour, cell.style != .plain else { return cell.text }
        return "\u{1B}[\(cell.style.rawValue)m\(cell.text)\u{1B}[0m"
    }
}
