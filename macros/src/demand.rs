//! Finds out whether a bench's function can reject its report.
//!
//! A function that cannot fail checks nothing, so it proves nothing: empty ones, and those that only print
//! or end in `Ok(())`. If the tokens do not show it, the function counts as a check.

use syn::{Block, Expr, Macro, Stmt};

/// Whether some statement may panic or return an error.
pub(crate) fn demands(block: &Block) -> bool {
    block.stmts.iter().any(|stmt| match stmt {
        Stmt::Item(_) => false,
        Stmt::Local(local) => local
            .init
            .as_ref()
            .is_some_and(|init| init.diverge.is_some() || may_fail(&init.expr)),
        Stmt::Expr(expr, _) => may_fail(expr),
        Stmt::Macro(stmt) => !prints(&stmt.mac),
    })
}

fn may_fail(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) | Expr::Lit(_) => false,
        Expr::Tuple(tuple) => tuple.elems.iter().any(may_fail),
        Expr::Reference(reference) => may_fail(&reference.expr),
        Expr::Paren(paren) => may_fail(&paren.expr),
        Expr::Group(group) => may_fail(&group.expr),
        Expr::Field(field) => may_fail(&field.base),
        Expr::Block(block) => demands(&block.block),
        Expr::Return(expr) => expr.expr.as_deref().is_some_and(may_fail),
        Expr::Macro(expr) => !prints(&expr.mac),
        Expr::Call(call) => !is_ok(&call.func) || call.args.iter().any(may_fail),
        _ => true,
    }
}

fn is_ok(function: &Expr) -> bool {
    let Expr::Path(path) = function else {
        return false;
    };
    let last = path.path.segments.last();
    last.is_some_and(|segment| segment.ident == "Ok")
}

fn prints(mac: &Macro) -> bool {
    const PRINTERS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];
    let last = mac.path.segments.last();
    last.is_some_and(|segment| PRINTERS.iter().any(|name| segment.ident == name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("{}", false)]
    #[case("{ () }", false)]
    #[case("{ Ok(()) }", false)]
    #[case("{ return Ok(()); }", false)]
    #[case("{ { std::result::Result::Ok(()) } }", false)]
    #[case("{ let _ = report; }", false)]
    #[case("{ println!(\"{report}\"); }", false)]
    #[case("{ std::eprintln!(\"{report}\") }", false)]
    #[case("{ use std::fmt; fn helper() { panic!() } }", false)]
    #[case("{ assert!(report.passed()); }", true)]
    #[case("{ assert!(report.passed()) }", true)]
    #[case("{ report.ensure_passed() }", true)]
    #[case("{ report.ensure_passed()?; Ok(()) }", true)]
    #[case("{ let p99 = report.value(\"p99(ttft)\").unwrap(); }", true)]
    #[case("{ let Some(x) = y else { panic!() }; }", true)]
    #[case("{ helper(report) }", true)]
    #[case("{ Err(\"always\") }", true)]
    #[case("{ if report.failed() > 0 { panic!() } }", true)]
    #[case("{ Ok(helper()) }", true)]
    fn what_may_fail_demands(#[case] body: &str, #[case] expected: bool) {
        let block: Block = syn::parse_str(body).unwrap();
        assert_eq!(demands(&block), expected);
    }
}
