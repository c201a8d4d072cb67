// Completions and manual pages made of option tables.
#include <gtest/gtest.h>

#include "cli/option_table.h"
#include "pages/completions.h"
#include "pages/manual_page.h"
#include "pages/text_lines.h"
#include "pages/value_kind.h"
#include "tcpeekstat/stat_options.h"

namespace tcpeek {
namespace {

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

Program program_of(std::vector<OptionSpec> options) {
    return {"prog", "Usage: prog [option]...\n", "", std::move(options)};
}

const OptionSpec kLevel{'l', "level", "low,high", "how much's `shown`", "low", true};

TEST(ValueHints, FollowFromTheRow) {
    EXPECT_EQ(hints_for({'c', "c", "0,1,2", "", ""}).words,
              (std::vector<std::string>{"0", "1", "2"}));
    EXPECT_EQ(hints_for({'i', "i", "DEV", "on DEV; `any` is all", ""}).kind, ValueKind::interface);
    EXPECT_EQ(hints_for({'i', "i", "DEV", "on DEV; `any` is all", ""}).words,
              (std::vector<std::string>{"any"}));
    // What stands in backquotes but is no word to type.
    EXPECT_TRUE(
        hints_for({'r', "r", "FILE", "pcap, `-`, see `--x`, `LOG_X`, `open", ""}).words.empty());
    EXPECT_EQ(hints_for({'l', "l", "LEVEL", "", ""}).words.size(), 8U);
    EXPECT_EQ(hints_for({'\0', "local", "ADDR[/LEN],...", "", ""}).kind, ValueKind::none);
    EXPECT_EQ(hints_for({'t', "t", "SEC", "`any`", ""}).kind, ValueKind::none);
}

TEST(Completions, EscapeWhatTheShellWouldTake) {
    const Program program = program_of({kLevel, {'\0', "note", "", "a [b]: c\\d", ""}});
    EXPECT_TRUE(contains(zsh_completion(program),
                         R"('*'{-l+,--level=}'[how much'\''s `shown`]:low,high:(low high)')"));
    EXPECT_TRUE(contains(zsh_completion(program), R"('--note[a \[b\]\: c\\d]')"));
    EXPECT_TRUE(contains(fish_completion(program),
                         R"(-s l -l level -x -a 'low high' -d 'how much\'s `shown`')"));
    EXPECT_TRUE(contains(fish_completion(program), R"(-l note -d 'a [b]: c\\d')"));
    EXPECT_TRUE(contains(bash_completion(program), "compgen -W '-l --level= --note'"));
}

TEST(Completions, AValueThatMayBeLeftOutIsNoWordOfItsOwn) {
    const Program& program = tcpeekstat_program();
    EXPECT_TRUE(contains(bash_completion(program), " --watch -h"));
    EXPECT_TRUE(contains(zsh_completion(program), "'--watch=-["));
    EXPECT_TRUE(contains(fish_completion(program), "-l watch -d"));
}

TEST(TextLines, AreFoldedAtSpaces) {
    EXPECT_EQ(folded_text("short line"), "short line\n");
    const std::string word(40, 'a');
    EXPECT_EQ(folded_text(word + " " + word), word + "\n" + word + "\n");
    EXPECT_EQ(folded_text(word + " ." + word), word + "\n\\&." + word + "\n");
    EXPECT_EQ(folded_text(std::string(100, 'a')), std::string(100, 'a') + "\n");
}

TEST(TextLines, JapaneseBreaksWhereItMay) {
    EXPECT_EQ(folded_text("失敗、（例）です"), "失\\:敗、\\:（例）\\:で\\:す\n");
    EXPECT_EQ(folded_text("a失b"), "a失b\n");
}

TEST(TextLines, RequestsHeadingsAndExamplesStayAsTheyAre) {
    const std::string line = std::string(50, 'a') + " " + std::string(50, 'b');
    const std::string page = ".B " + line + "\n.TP\n" + line + "\n.EX\n" + line + "\n.EE\n";
    EXPECT_EQ(folded_page(page), page);
    EXPECT_NE(folded_page(page + line + "\n"), page + line + "\n");
}

TEST(Translation, KnowsWhatIsMissingStaleOrUnknown) {
    const Program program = program_of({{'a', "all", "", "all of it", ""},
                                        {'b', "best", "N", "the best", "no number"},
                                        {'c', "cut", "", "cut it", ""}});
    const auto parsed = Translation::parse(
        "# a note\n[all]\nall of it\n全部\n\n[best]\nthe better\n最良\nno "
        "number\nなし\n[old]\nx\n古い\n");
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed.value().faults(program),
              (std::vector<std::string>{"[best]: no translation of the help 'the best'",
                                        "[cut] is missing", "[old] is no option of prog"}));
    EXPECT_EQ(parsed.value().help_of(program.options[0]), "全部");
    EXPECT_EQ(parsed.value().default_of(program.options[1]), "なし");
    EXPECT_EQ(Translation::parse("x\n").error().message,
              "line 1: expected [long-name] of an option");
}

TEST(ManualPage, PutsTheOptionsInPlaceOfTheMark) {
    const ManualPage page{".\\\" note\n.TH X 1 @DATE@ @VERSION@\n@OPTIONS@\n.SH END\n",
                          "2026-01-02"};
    const auto rendered = render_manual_page(program_of({kLevel}), page);
    ASSERT_TRUE(rendered.ok());
    EXPECT_EQ(rendered.value().rfind(".TH X 1 2026-01-02 ", 0), 0U) << rendered.value();
    EXPECT_TRUE(contains(rendered.value(),
                         ".TP\n\\fB\\-l\\fR, \\fB\\-\\-level\\fR=\\fIlow,high\\fR\n"
                         "How much\\(aqs \\fBshown\\fR; may be given several times.\n"
                         "Default: low.\n.SH END\n"))
        << rendered.value();
    EXPECT_FALSE(render_manual_page(program_of({}), {"no marks\n", "2026-01-02"}).ok());
}

}  // namespace
}  // namespace tcpeek
