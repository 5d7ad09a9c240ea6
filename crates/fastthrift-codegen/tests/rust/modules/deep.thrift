namespace rs self.super.crate.lib.main.build.type

struct Deep { 1: i32 x }
